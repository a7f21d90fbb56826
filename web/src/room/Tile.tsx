import { Hand, Maximize2, MicOff, Minimize2, WifiOff } from "lucide-react";
import type { ReactElement } from "react";
import type { Rect } from "../layout/arrange";
import type { Reaction } from "../state/meetingStore";
import { Avatar } from "../ui/Avatar";
import { REACTION_ICONS } from "./reactionIcons";
import "./Tile.css";

export interface HandPlace {
  /** From 1. */
  place: number;
  of: number;
}

export interface TileProps {
  rect: Rect;
  name: string;
  /** What the label says beside the name, such as "you". */
  note?: string;
  /** Without one, the name's initials stand in. */
  video?: ReactElement | undefined;
  muted?: boolean;
  speaking?: boolean;
  floating?: boolean;
  /** Where the raised hand is among all that are. */
  hand?: HandPlace | undefined;
  /** Nothing comes from the server to this person just now, nor the other way. */
  reconnecting?: boolean;
  /** 0 to 10, where the server knows it. */
  quality?: number | undefined;
  reactions?: readonly Reaction[];
  /** Makes it large, or no longer. */
  pin?: { pinned: boolean; toggle: () => void } | undefined;
  participantId: string;
  source: "camera" | "screen";
}

/** One picture with what is known of its person. */
export function Tile(props: TileProps) {
  const { rect, name, note, video, muted, speaking, floating, reactions, pin } = props;
  const classes = ["tile", speaking && "tile-speaking", floating && "tile-floating"];
  return (
    <div
      className={classes.filter(Boolean).join(" ")}
      role="group"
      aria-label={[name, note].filter(Boolean).join(", ")}
      data-participant={props.participantId}
      data-source={props.source}
      data-speaking={speaking ? "" : undefined}
      data-muted={muted ? "" : undefined}
      data-video={video ? "" : undefined}
      data-reconnecting={props.reconnecting ? "" : undefined}
      style={{
        width: rect.width,
        height: rect.height,
        transform: `translate(${rect.x}px, ${rect.y}px)`,
      }}
    >
      {video ?? <Avatar name={name} />}
      {pin && (
        <button
          type="button"
          className="tile-pin"
          onClick={pin.toggle}
          aria-pressed={pin.pinned}
          aria-label={pin.pinned ? `Show ${name} among the others` : `Make ${name} large`}
        >
          {pin.pinned ? <Minimize2 size={16} /> : <Maximize2 size={16} />}
        </button>
      )}
      <div className="tile-badges">
        {props.hand && <RaisedHand {...props.hand} />}
        {props.reconnecting && (
          <span className="tile-reconnecting">
            <WifiOff size={15} aria-hidden="true" /> Reconnecting…
          </span>
        )}
      </div>
      <div className="tile-label">
        {muted && <MicOff size={14} role="img" aria-label="Microphone off" />}
        <span className="tile-name">{name}</span>
        {note && <span className="tile-note">{note}</span>}
        <Quality score={props.quality} />
      </div>
      {reactions?.map((reaction) => (
        <RisingReaction key={reaction.id} reaction={reaction} />
      ))}
    </div>
  );
}

/** With its number, where it is not the only one. */
function RaisedHand({ place, of }: HandPlace) {
  const label = of > 1 ? `Hand raised, ${place} of ${of}` : "Hand raised";
  return (
    <span className="tile-hand" role="img" aria-label={label} title={label}>
      <Hand size={17} aria-hidden="true" />
      {of > 1 && <b aria-hidden="true">{place}</b>}
    </span>
  );
}

function RisingReaction({ reaction }: { reaction: Reaction }) {
  const { icon: Icon, words, hue } = REACTION_ICONS[reaction.name];
  return (
    <span className="tile-reaction" style={{ "--hue": hue } as React.CSSProperties}>
      <Icon role="img" aria-label={words} />
    </span>
  );
}

/** Says so when somebody's connection is poor, and nothing when it is fine. */
function Quality({ score }: { score: number | undefined }) {
  if (score === undefined || score > 6) return null;
  const poor = score <= 3;
  const label = poor ? "Very poor connection" : "Poor connection";
  return (
    <span
      className={poor ? "tile-quality tile-quality-poor" : "tile-quality"}
      role="img"
      aria-label={label}
      title={label}
    >
      <i />
      <i />
      <i />
    </span>
  );
}
