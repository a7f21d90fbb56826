import { useEffect, useState } from "react";
import { roomNameProblem } from "../landing/roomName";
import { Prejoin } from "../prejoin/Prejoin";
import { CallEnding, Ending } from "./Ending";
import { Room } from "./Room";
import { createSession, runSession, type Session } from "./session";
import { SessionContext, useMeeting } from "./SessionContext";

/** `/r/:room`: before, during and after a call. */
export function RoomPage({ room }: { room: string }) {
  const problem = roomNameProblem(room);
  if (problem) return <Ending title="That is not a room's name" text={problem} />;
  return <RoomSession room={room} />;
}

function RoomSession({ room }: { room: string }) {
  const [session, setSession] = useState<Session>();
  useEffect(() => {
    const created = createSession(room);
    const end = runSession(created);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the session is a resource of this effect
    setSession(created);
    return end;
  }, [room]);
  if (!session) return null;
  return (
    <SessionContext value={session}>
      <title>{`${room} · Rotunda`}</title>
      <PhaseView />
    </SessionContext>
  );
}

function PhaseView() {
  const phase = useMeeting((state) => state.phase.name);
  // Who has been in and comes in again, after the room has moved, stays in sight of it.
  const entered = useMeeting((state) => state.entered);
  switch (phase) {
    case "idle":
    case "joining":
    case "pending":
      return entered ? <Room /> : <Prejoin />;
    case "joined":
      return <Room />;
    default:
      return <CallEnding />;
  }
}
