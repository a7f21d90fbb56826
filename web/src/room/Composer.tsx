import { SendHorizontal } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { countCharacters, MAX_CHAT_TEXT } from "../contract/limits";
import { messageOf } from "../signaling/errors";
import { addNotice } from "../state/meetingStore";
import { IconButton } from "../ui/Button";
import "./Composer.css";
import { useMay } from "./permissions";
import { useMeeting, useSession } from "./SessionContext";

/** How near to the limit the counter appears. */
const COUNTER_FROM = MAX_CHAT_TEXT - 400;

/** Where a message is written, or why none can be. */
export function Composer() {
  if (useMay("chat")) return <MessageForm />;
  return <p className="composer-none">You can read along here, but not write.</p>;
}

/** The field, with the choice of who gets the message. */
function MessageForm() {
  const [text, setText] = useState("");
  const [to, setTo] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const recipient = useMeeting((state) => state.people.participants[to]);
  const length = countCharacters(text);
  const fits =
    text.trim() !== "" && length <= MAX_CHAT_TEXT && (to === "" || recipient !== undefined);
  const { ready, send } = useSend(fits, text, to, () => setText(""));
  useEffect(() => {
    field.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      className={to ? "composer composer-private" : "composer"}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Recipient to={to} onChange={setTo} />
      <div className="composer-box">
        <textarea
          ref={field}
          rows={Math.min(6, text.split("\n").length)}
          value={text}
          aria-label="Message"
          placeholder={
            recipient ? `Only ${recipient.displayName} will see this` : "Write a message"
          }
          aria-invalid={length > MAX_CHAT_TEXT || undefined}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <IconButton
          type="submit"
          label="Send"
          look="bare"
          disabled={!ready}
          icon={<SendHorizontal size={19} />}
        />
      </div>
      {length >= COUNTER_FROM && <Counter left={MAX_CHAT_TEXT - length} />}
    </form>
  );
}

/** One message at a time; what could not be sent stays in the field. */
function useSend(fits: boolean, text: string, to: string, onSent: () => void) {
  const { client, store } = useSession();
  const [sending, setSending] = useState(false);
  const connected = useMeeting((state) => state.connection === "connected" && !state.resuming);
  const ready = fits && connected && !sending;
  const send = async () => {
    if (!ready) return;
    setSending(true);
    try {
      await client.sendChat(text.trim(), to || undefined);
      onSent();
    } catch (error) {
      addNotice(store, "problem", `Your message was not sent. ${messageOf(error)}`);
    } finally {
      setSending(false);
    }
  };
  return { ready, send };
}

function Recipient({ to, onChange }: { to: string; onChange: (to: string) => void }) {
  const others = useMeeting((state) => state.people.participants);
  return (
    <label className="composer-to">
      To
      <select value={to} onChange={(event) => onChange(event.target.value)}>
        <option value="">Everyone</option>
        {Object.values(others).map((one) => (
          <option key={one.participantId} value={one.participantId}>
            {one.displayName}, privately
          </option>
        ))}
        {to !== "" && !others[to] && <option value={to}>somebody who has left</option>}
      </select>
    </label>
  );
}

function Counter({ left }: { left: number }) {
  return (
    <p className={left < 0 ? "composer-count composer-over" : "composer-count"} role="status">
      {Math.abs(left).toLocaleString()} {left < 0 ? "characters too many" : "characters left"}
    </p>
  );
}
