import { Hand, Mic, MicOff, UserMinus, Video, VideoOff, WifiOff } from "lucide-react";
import { useMemo, useState } from "react";
import { hasRaisedHand, raisedHands } from "../state/hands";
import { producerFrom, type RemoteParticipant } from "../state/roomState";
import { Avatar } from "../ui/Avatar";
import { Button, IconButton } from "../ui/Button";
import { Confirm } from "../ui/Confirm";
import { CopyLink } from "../ui/CopyLink";
import { isMuted } from "./people";
import "./PeoplePanel.css";
import { useMay } from "./permissions";
import { SidePanel } from "./SidePanel";
import { useLocal, useMeeting, useSession } from "./SessionContext";

export function PeoplePanel() {
  const people = useMeeting((state) => state.people);
  const self = useMeeting((state) => state.self);
  const hands = useMemo(() => raisedHands({ people, self }), [people, self]);
  const others = Object.values(people.participants);
  // Whose hand is raised comes first, in the order in which hands were.
  const place = (id: string) => (hands.includes(id) ? hands.indexOf(id) : hands.length);
  const ids = [self?.participantId ?? "", ...others.map(({ participantId }) => participantId)];
  return (
    <SidePanel title={`People (${ids.length})`}>
      <ul className="people">
        {ids
          .sort((one, other) => place(one) - place(other))
          .map((id) => {
            const one = people.participants[id];
            return one ? <PersonRow key={id} one={one} /> : <SelfRow key={id} />;
          })}
      </ul>
      <div className="people-invite">
        <CopyLink label="Copy the room's link" />
        {useMay("moderate") && <CloseRoom />}
      </div>
    </SidePanel>
  );
}

/** A moderator's last word. */
function CloseRoom() {
  const { client } = useSession();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button onClick={() => setAsking(true)}>Close the room for everyone</Button>
      {asking && (
        <Confirm
          title="Close the room for everyone?"
          text="The call ends for all who are in it."
          action="Close the room"
          onConfirm={() => client.moderate("closeRoom", {})}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

interface RowProps {
  name: string;
  note?: string | undefined;
  hand: boolean;
  reconnecting?: boolean;
  microphone: boolean;
  camera: boolean;
  children?: React.ReactNode;
}

function Row({ name, note, hand, reconnecting, microphone, camera, children }: RowProps) {
  const state = (what: string, on: boolean) => ({
    size: 17,
    role: "img",
    "aria-label": `${what} ${on ? "on" : "off"}`,
    className: on ? undefined : "people-off",
  });
  return (
    <li className="people-row">
      <Avatar name={name} small />
      <span className="people-name">
        {name}
        {note && <small>{note}</small>}
      </span>
      {reconnecting && (
        <WifiOff size={17} role="img" aria-label="Reconnecting" className="people-hand" />
      )}
      {hand && <Hand size={17} role="img" aria-label="Hand raised" className="people-hand" />}
      {camera ? <Video {...state("Camera", true)} /> : <VideoOff {...state("Camera", false)} />}
      {microphone ? (
        <Mic {...state("Microphone", true)} />
      ) : (
        <MicOff {...state("Microphone", false)} />
      )}
      {children}
    </li>
  );
}

function SelfRow() {
  const name = useMeeting((state) => state.self?.displayName ?? "");
  const hand = useMeeting((state) => hasRaisedHand(state.self));
  const microphone = useLocal((state) => state.microphone.on);
  const camera = useLocal((state) => state.camera.on);
  return <Row name={name} note="you" {...{ hand, microphone, camera }} />;
}

function PersonRow({ one }: { one: RemoteParticipant }) {
  const moderator = useMay("moderate");
  const camera = producerFrom(one, "camera");
  return (
    <Row
      name={one.displayName}
      note={one.kind === "ingress" ? "stream" : undefined}
      hand={hasRaisedHand(one)}
      reconnecting={one.connectionLost}
      microphone={!isMuted(one)}
      camera={camera !== undefined && !camera.paused}
    >
      {moderator && <Moderation one={one} />}
    </Row>
  );
}

/** What a moderator may do to somebody. */
function Moderation({ one }: { one: RemoteParticipant }) {
  const { client } = useSession();
  const [asking, setAsking] = useState(false);
  const { participantId, displayName } = one;
  const microphone = producerFrom(one, "microphone");
  return (
    <>
      <IconButton
        label={`Mute ${displayName}`}
        className="people-action"
        tip="below"
        disabled={!microphone || microphone.paused}
        icon={<MicOff size={16} />}
        onClick={() =>
          microphone && client.moderate("muteProducer", { producerId: microphone.producerId })
        }
      />
      <IconButton
        label={`Remove ${displayName}`}
        className="people-action"
        tip="below"
        icon={<UserMinus size={16} />}
        onClick={() => setAsking(true)}
      />
      {asking && (
        <Confirm
          title={`Remove ${displayName}?`}
          text="They leave the call at once and cannot come back while this room is open."
          action="Remove"
          onConfirm={() => client.moderate("removeParticipant", { participantId })}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
