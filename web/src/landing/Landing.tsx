import {
  ArrowRight,
  Dices,
  KeyRound,
  MessagesSquare,
  MonitorSmartphone,
  Server,
} from "lucide-react";
import { useState, type SubmitEvent } from "react";
import { useLocation } from "wouter";
import { Backdrop } from "../ui/Backdrop";
import { Button, IconButton } from "../ui/Button";
import { TextField } from "../ui/Field";
import { Logo } from "../ui/Logo";
import { Panel } from "../ui/Panel";
import "./Landing.css";
import { randomRoomName, roomNameProblem, toRoomName } from "./roomName";

/** `/`: start a room or join one by its name. */
export function Landing() {
  return (
    <Backdrop>
      <title>Rotunda</title>
      <header className="landing-header">
        <Logo />
      </header>
      <main className="landing">
        <div className="landing-words">
          <h1>Talk face to face, on your own servers.</h1>
          <p>Video rooms in the browser. Pick a name, share the link, and you are together.</p>
          <ul className="landing-facts">
            {FACTS.map(({ icon: Icon, text }) => (
              <li key={text}>
                <Icon size={18} aria-hidden="true" />
                {text}
              </li>
            ))}
          </ul>
        </div>
        <Panel className="landing-panel">
          <StartForm />
          <div className="landing-or" role="separator">
            or
          </div>
          <JoinForm />
        </Panel>
      </main>
    </Backdrop>
  );
}

const FACTS = [
  { icon: MonitorSmartphone, text: "Nothing to install, on a laptop or a phone" },
  { icon: Server, text: "Pictures and sound pass through your servers alone" },
  { icon: MessagesSquare, text: "Screen sharing, raised hands, chat with all or with one" },
];

function StartForm() {
  const form = useRoomForm(randomRoomName);
  return (
    <form onSubmit={form.submit} noValidate>
      <TextField
        {...form.field}
        label="Start a room"
        action={
          <IconButton
            look="bare"
            label="Another name"
            icon={<Dices size={18} />}
            onClick={() => form.set(randomRoomName())}
          />
        }
      />
      <Button type="submit" look="primary" wide icon={<ArrowRight size={18} />}>
        Start
      </Button>
    </form>
  );
}

function JoinForm() {
  const form = useRoomForm(() => "");
  return (
    <form onSubmit={form.submit} noValidate>
      <TextField {...form.field} label="Join a room" placeholder="Name or link" />
      <Button type="submit" wide icon={<KeyRound size={17} />}>
        Join
      </Button>
    </form>
  );
}

/** One field for a room's name: checked when sent, then as it is typed. */
function useRoomForm(initial: () => string) {
  const [, navigate] = useLocation();
  const [value, set] = useState(initial);
  const [sent, setSent] = useState(false);
  const problem = roomNameProblem(toRoomName(value));
  return {
    set,
    field: {
      value,
      problem: sent ? problem : undefined,
      autoComplete: "off",
      autoCapitalize: "none",
      spellCheck: false,
      onChange: (event: React.ChangeEvent<HTMLInputElement>) => set(event.target.value),
    },
    submit: (event: SubmitEvent) => {
      event.preventDefault();
      setSent(true);
      if (!problem) navigate(`/r/${toRoomName(value)}`);
    },
  };
}
