import type { ReactNode } from "react";
import { useLocation } from "wouter";
import type { Phase } from "../state/meetingStore";
import { Backdrop } from "../ui/Backdrop";
import { Button } from "../ui/Button";
import { Logo } from "../ui/Logo";
import { Panel } from "../ui/Panel";
import "./Ending.css";
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
  const { client, local } = useSession();
  const phase = useMeeting((state) => state.phase);
  const { title, text, again } = describe(phase);
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

function describe(phase: Phase): { title: string; text: string; again?: string } {
  switch (phase.name) {
    case "removed":
      return { title: "You are out of the room", text: phase.reason, again: "Join here again" };
    case "closed":
      return { title: "The room was closed", text: phase.reason, again: "Open it again" };
    case "failed":
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

const FAILURES: Partial<
  Record<
    Extract<Phase, { name: "failed" }>["code"],
    { title: string; text: string; again?: string }
  >
> = {
  room_full: {
    title: "The room is full",
    text: "Everybody who fits is already in. Try again when somebody has left.",
    again: "Try again",
  },
  unauthorized: {
    title: "This link does not open the room",
    text: "The invitation is not valid or has expired. Ask for a new link.",
  },
  forbidden: {
    title: "This link does not open the room",
    text: "The invitation is for somebody or something else. Ask for a new link.",
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
