import { useState, type SubmitEvent } from "react";
import { MAX_DISPLAY_NAME } from "../contract/limits";
import { useMay } from "../room/permissions";
import { useMeeting, useSession } from "../room/SessionContext";
import { useShortcuts } from "../room/useShortcuts";
import { savePreferences } from "../state/preferences";
import { Backdrop } from "../ui/Backdrop";
import { Button } from "../ui/Button";
import { CopyLink } from "../ui/CopyLink";
import { TextField } from "../ui/Field";
import { Logo } from "../ui/Logo";
import { Panel } from "../ui/Panel";
import { DeviceSettings } from "./DeviceSettings";
import "./Prejoin.css";
import { Preview } from "./Preview";

/** The mirror before the door: see yourself, choose devices, say your name, go in. */
export function Prejoin() {
  const { room } = useSession();
  const publishes = useMay("publish");
  return (
    <Backdrop>
      <header className="prejoin-header">
        <a href="/" aria-label="Rotunda, to the start page">
          <Logo />
        </a>
      </header>
      <main className={publishes ? "prejoin" : "prejoin prejoin-alone"}>
        {publishes && <Preview />}
        <Panel className="prejoin-panel">
          <div className="prejoin-title">
            <h1>{room}</h1>
            <CopyLink />
          </div>
          <JoinForm />
          {publishes ? (
            <DeviceSettings />
          ) : (
            <p className="prejoin-status">Your link lets you watch and listen.</p>
          )}
        </Panel>
      </main>
    </Backdrop>
  );
}

function JoinForm() {
  const { client, entry, local } = useSession();
  const [name, setName] = useState(entry.name);
  const [sent, setSent] = useState(false);
  const waiting = useMeeting((state) => state.phase.name !== "idle");
  const named = entry.claims?.name !== undefined;
  const publishes = useMay("publish");
  const problem = sent && name.trim() === "" ? "Tell the others your name." : undefined;
  useShortcuts({
    m: () => publishes && void local.setOn("microphone", !local.state.microphone.on),
    v: () => publishes && void local.setOn("camera", !local.state.camera.on),
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setSent(true);
    const displayName = name.trim();
    if (!displayName) return;
    if (!named) savePreferences({ name: displayName });
    void client.join(displayName);
  };
  return (
    <form className="prejoin-form" onSubmit={submit} noValidate>
      <TextField
        label={named ? "Your name, as the link says" : "Your name"}
        value={name}
        problem={problem}
        maxLength={MAX_DISPLAY_NAME}
        autoComplete="name"
        autoFocus={!named}
        disabled={waiting || named}
        onChange={(event) => setName(event.target.value)}
      />
      <Button type="submit" look="primary" wide disabled={waiting}>
        {waiting ? "Joining…" : "Join"}
      </Button>
      <JoinStatus />
    </form>
  );
}

/** Why it takes a moment, and the way out of waiting. */
function JoinStatus() {
  const { client } = useSession();
  const phase = useMeeting((state) => state.phase);
  const unreachable = useMeeting((state) => state.connection === "disconnected");
  const text = unreachable
    ? "The server cannot be reached. Trying again…"
    : phase.name === "pending" && phase.reason;
  if (!text) return null;
  return (
    <p
      className={unreachable ? "prejoin-status prejoin-status-problem" : "prejoin-status"}
      role="status"
    >
      {text}{" "}
      {phase.name !== "idle" && (
        <button type="button" className="link" onClick={() => client.cancelJoin()}>
          Cancel
        </button>
      )}
    </p>
  );
}
