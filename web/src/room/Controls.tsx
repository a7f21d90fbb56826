import {
  Ellipsis,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  PhoneOff,
  Settings,
  SmilePlus,
  UsersRound,
  Video,
  VideoOff,
} from "lucide-react";
import { canShareScreen } from "../media/devices";
import type { DeviceKind } from "../media/mediaErrors";
import { hasRaisedHand } from "../state/hands";
import type { Panel } from "../state/meetingStore";
import { IconButton } from "../ui/Button";
import { CopyLink } from "../ui/CopyLink";
import { Popover } from "../ui/Popover";
import "./Controls.css";
import { useMay } from "./permissions";
import { ReactionsMenu } from "./ReactionsMenu";
import { useLocal, useMeeting, useSession } from "./SessionContext";

interface ControlsProps {
  onToggle: (panel: Panel) => void;
  onSettings: () => void;
}

const ICON = { size: 21 };

/** The bar at the bottom: what one does oneself in the middle, what one looks at on the right. */
export function Controls(props: ControlsProps) {
  const { client } = useSession();
  const room = useMeeting((state) => state.room);
  return (
    <footer className="controls">
      <div className="controls-left">
        <span className="controls-room" title={room?.name}>
          {room?.displayName ?? room?.name}
        </span>
        <CopyLink />
      </div>
      <div className="controls-middle" role="toolbar" aria-label="Your controls">
        <PublishingControls />
        <ReactionsButton />
        <span className="controls-narrow">
          <MoreMenu {...props} />
        </span>
        <span className="controls-narrow">
          <ChatButton {...props} />
        </span>
        <IconButton
          className="controls-leave"
          label="Leave"
          look="danger"
          icon={<PhoneOff {...ICON} />}
          onClick={() => client.leave()}
        />
      </div>
      <div className="controls-right">
        <PeopleButton {...props} />
        <ChatButton {...props} />
        <IconButton
          label="Settings"
          icon={<Settings {...ICON} />}
          onClick={props.onSettings}
          tip="above"
        />
      </div>
    </footer>
  );
}

/** Nothing of it for who may only watch. */
function PublishingControls() {
  if (!useMay("publish")) return <span className="controls-watching">You are watching</span>;
  return (
    <>
      <DeviceButton kind="microphone" shortcut="M" />
      <DeviceButton kind="camera" shortcut="V" />
      <ScreenButton />
    </>
  );
}

/** For everybody: who may only watch can raise a hand too. */
function ReactionsButton() {
  const hand = useMeeting((state) => hasRaisedHand(state.self));
  return (
    <Popover
      label={hand ? "Hand is raised" : "Reactions"}
      icon={<SmilePlus {...ICON} />}
      look={hand ? "on" : "plain"}
    >
      {(close) => <ReactionsMenu close={close} />}
    </Popover>
  );
}

function DeviceButton({ kind, shortcut }: { kind: DeviceKind; shortcut: string }) {
  const { local } = useSession();
  const { on, problem } = useLocal((state) => state[kind]);
  const [On, Off] = kind === "camera" ? [Video, VideoOff] : [Mic, MicOff];
  return (
    <IconButton
      label={problem ?? `Turn ${kind} ${on ? "off" : "on"}`}
      shortcut={shortcut}
      look={on ? "plain" : "off"}
      icon={on ? <On {...ICON} /> : <Off {...ICON} />}
      onClick={() => void local.setOn(kind, !on)}
    />
  );
}

function ScreenButton() {
  const { client } = useSession();
  const sharing = useLocal((state) => state.screen !== undefined);
  if (!canShareScreen()) return null;
  return (
    <IconButton
      className="controls-screen"
      label={sharing ? "Stop sharing your screen" : "Share your screen"}
      shortcut="S"
      look={sharing ? "on" : "plain"}
      icon={<MonitorUp {...ICON} />}
      onClick={() => client.toggleScreen()}
    />
  );
}

function PeopleButton({ onToggle }: ControlsProps) {
  const open = useMeeting((state) => state.panel === "people");
  const count = useMeeting((state) => Object.keys(state.people.participants).length + 1);
  return (
    <IconButton
      label={`People (${count})`}
      shortcut="P"
      look={open ? "on" : "plain"}
      icon={<UsersRound {...ICON} />}
      onClick={() => onToggle("people")}
    />
  );
}

function ChatButton({ onToggle }: ControlsProps) {
  const open = useMeeting((state) => state.panel === "chat");
  const unread = useMeeting((state) => state.chat.unread);
  return (
    <IconButton
      label={unread > 0 ? `Chat, ${unread} unread` : "Chat"}
      shortcut="C"
      look={open ? "on" : "plain"}
      badge={unread}
      icon={<MessageSquare {...ICON} />}
      onClick={() => onToggle("chat")}
    />
  );
}

/** On narrow screens: what does not fit into the bar. */
function MoreMenu({ onToggle, onSettings }: ControlsProps) {
  return (
    <Popover label="More" icon={<Ellipsis {...ICON} />}>
      {(close) => {
        const closing = (action: () => void) => () => {
          close();
          action();
        };
        return (
          <div className="menu">
            <button type="button" onClick={closing(() => onToggle("people"))}>
              <UsersRound size={18} /> People
            </button>
            <button type="button" onClick={closing(onSettings)}>
              <Settings size={18} /> Settings
            </button>
            <CopyLink label="Copy the room's link" />
          </div>
        );
      }}
    </Popover>
  );
}
