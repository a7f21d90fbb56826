import type { ReactNode } from "react";
import { useLocation } from "wouter";
import { wasRemoved } from "../media/MeetingClient";
import type { Phase } from "../state/meetingStore";
import { Backdrop } from "../ui/Backdrop";
import { Button } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { Panel } from "../ui/Panel";
import "./Ending.css";
import type { EntryOptions } from "./session";
import { useMeeting, useSession } from "./SessionContext";

/** A full page that says how something ended, and what one can do next. */
export function Ending(props: { title: string; text: string; children?: ReactNode }) {
  const [, navigate] = useLocation();
  return (
    <Backdrop>
      <main className="ending">
        <Logo />
        <Panel className="ending-panel">
          <h1>{props.title}</h1>
          <p>{props.text}</p>
          <div className="ending-actions">
            {props.children}
            <Button onClick={() => navigate("/")}>To the start page</Button>
          </div>
        </Panel>
      </main>
    </Backdrop>
  );
}

/** The end of the call in the session at hand. */
export function CallEnding() {
  const { client, local, entry, room } = useSession();
  const phase = useMeeting((state) => state.phase);
  const { title, text, again } = describe(phase, room, entry);
  const back = () => {
    client.backToDoor();
    void local.start();
  };
  return (
    <Ending title={title} text={text}>
      {again && (
        <Button look="primary" autoFocus onClick={back}>
          {again}
        </Button>
      )}
    </Ending>
  );
}

interface Told {
  title: string;
  text: string;
  /** What the button says that leads back in; absent where nothing does. */
  again?: string;
}

/** What the end of a call says. */
export function describe(
  phase: Phase,
  room: string,
  entry: Pick<EntryOptions, "token" | "claims">,
): Told {
  switch (phase.name) {
    case "removed":
      if (wasRemoved(phase)) return REMOVED;
      return { title: "You are out of the room", text: phase.reason, again: "Join here again" };
    case "closed":
      return { title: "The room was closed", text: phase.reason, again: "Open it again" };
    case "failed":
      if (phase.code === "unauthorized") return describeLink(phase.message, entry);
      if (phase.code === "forbidden") {
        return entry.claims && entry.claims.room !== room ? ANOTHER_ROOM : REMOVED;
      }
      return (
        FAILURES[phase.code] ?? {
          title: "That did not work",
          text: phase.message,
          again: "Try again",
        }
      );
    default:
      return { title: "You have left", text: "Until next time.", again: "Join again" };
  }
}

/** Why the server lets nobody in with this link. */
function describeLink(
  message: string,
  { token, claims }: Pick<EntryOptions, "token" | "claims">,
): Told {
  if (!token) {
    return {
      title: "This room needs a link with a token",
      text: "Its name alone does not open it. Ask whoever invited you for a link of your own.",
    };
  }
  if (message.includes("expired") || (claims && claims.exp * 1000 < Date.now())) {
    return { title: "This link has expired", text: "Ask whoever invited you for a new one." };
  }
  return { title: "This link does not open the room", text: sentence(message) };
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}

const REMOVED: Told = {
  title: "You were removed",
  text: "A moderator has taken you out of this room. You cannot come back while it is open.",
};

const ANOTHER_ROOM: Told = {
  title: "This link is for another room",
  text: "Open it as it was sent to you, or ask for one to this room.",
};

const FAILURES: Partial<Record<Extract<Phase, { name: "failed" }>["code"], Told>> = {
  room_full: {
    title: "The room is full",
    text: "Everybody who fits is already in. Try again when somebody has left.",
    again: "Try again",
  },
  unsupported: {
    title: "This browser cannot take part",
    text: "Calls need WebRTC. Open the link in a current Chrome, Edge, Firefox or Safari.",
  },
  timeout: {
    title: "The server did not answer",
    text: "It may be busy. Try again in a moment.",
    again: "Try again",
  },
};
