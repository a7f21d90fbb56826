import { Lock, MessageSquare } from "lucide-react";
import { useEffect, useRef } from "react";
import { continues, type ChatMessage } from "../state/chat";
import { Button } from "../ui/Button";
import "./ChatPanel.css";
import { Composer } from "./Composer";
import { linkify } from "./linkify";
import { useMay } from "./permissions";
import { SidePanel } from "./SidePanel";
import { useMeeting, useSession } from "./SessionContext";

export function ChatPanel() {
  return (
    <SidePanel title="Chat">
      <Messages />
      <Composer />
    </SidePanel>
  );
}

function Messages() {
  const writes = useMay("chat");
  const messages = useMeeting((state) => state.chat.messages);
  const newest = messages.at(-1)?.id;
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no cleanup of an effect.
    end.current?.scrollIntoView({ block: "end" });
  }, [newest]);
  if (messages.length === 0) {
    return (
      <div className="chat-empty">
        <MessageSquare size={26} aria-hidden="true" />
        <p>Nothing said yet</p>
        {writes && <p>What you write here goes to everyone in the room, or to one person alone.</p>}
        <Earlier />
      </div>
    );
  }
  return (
    <div className="chat-messages" role="log" aria-label="Messages">
      <Earlier />
      {messages.map((message, index) => (
        <Message
          key={message.id}
          message={message}
          head={!continues(messages[index - 1], message)}
        />
      ))}
      <div ref={end} />
    </div>
  );
}

/** What stands above the oldest message. */
function Earlier() {
  const { client } = useSession();
  const { hasMore, incomplete } = useMeeting((state) => state.chat);
  return (
    <>
      {hasMore && (
        <Button className="chat-earlier" onClick={() => void client.loadEarlier()}>
          Earlier messages
        </Button>
      )}
      {incomplete && <p className="chat-note">Some of what was said before may be missing.</p>}
    </>
  );
}

function Message({ message, head }: { message: ChatMessage; head: boolean }) {
  const { own, displayName, to, toName, sentAt, text } = message;
  const classes = ["chat-message", own && "chat-own", to && "chat-private", head && "chat-head"];
  return (
    <article className={classes.filter(Boolean).join(" ")}>
      {head && (
        <header>
          <b>{own ? "You" : displayName}</b>
          {to && (
            <span className="chat-private-mark">
              <Lock size={12} aria-hidden="true" />
              {own ? `to ${toName ?? "somebody who has left"} alone` : "to you alone"}
            </span>
          )}
          <time dateTime={sentAt}>{TIME.format(new Date(sentAt))}</time>
        </header>
      )}
      <p>
        {linkify(text).map((part, index) =>
          part.href ? (
            <a key={index} href={part.href} target="_blank" rel="noreferrer noopener">
              {part.text}
            </a>
          ) : (
            part.text
          ),
        )}
      </p>
    </article>
  );
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
