import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { arrange, type Rect } from "../layout/arrange";
import { useSize } from "../layout/useSize";
import { raisedHands } from "../state/hands";
import type { Reaction } from "../state/meetingStore";
import { producerFrom } from "../state/roomState";
import { Video } from "../ui/Video";
import { Invitation } from "./Invitation";
import { emphasis, isMuted, SELF_KEY, stageItems, type Choice, type StageItem } from "./people";
import { useLocal, useMeeting, useSession } from "./SessionContext";
import "./Stage.css";
import { Tile, type TileProps } from "./Tile";

/** With more pictures than this, each arrival moves them all: they jump, because gliding stalls the page. */
const GLIDING = 25;

/** All pictures, laid out so that they use the room there is. */
export function Stage() {
  const stage = useRef<HTMLDivElement>(null);
  const [width, height] = useSize(stage);
  // Deferred, so that a crowd that comes at once is laid out in few steps and what it sends is read meanwhile.
  const people = useDeferredValue(useMeeting((state) => state.people));
  const self = useMeeting((state) => state.self);
  const selfId = self?.participantId ?? "";
  const hands = useMemo(() => raisedHands({ people, self }), [people, self]);
  const [choice, choose] = useState<Choice>({});
  const items = useMemo(() => stageItems(people, selfId), [people, selfId]);
  const { spotlight, floating } = emphasis(items, choice);
  const places = useMemo(
    () => arrange({ keys: items.map(({ key }) => key), spotlight, floating }, width, height),
    [items, spotlight, floating, width, height],
  );
  return (
    <div className={items.length > GLIDING ? "stage stage-crowded" : "stage"} ref={stage}>
      {width > 0 &&
        items.map((item) => {
          const rect = places.get(item.key);
          if (!rect) return null;
          const isPinned = item.key === spotlight;
          const pin =
            items.length > 2
              ? {
                  pinned: isPinned,
                  toggle: () => choose(isPinned ? { dismissed: item.key } : { pinned: item.key }),
                }
              : undefined;
          const place = item.kind === "screen" ? 0 : hands.indexOf(item.participantId) + 1;
          const hand = place > 0 ? { place, of: hands.length } : undefined;
          const common = { rect, pin, hand, floating: item.key === floating };
          return <StageTile key={item.key} item={item} {...common} />;
        })}
      {items.length === 1 && <Invitation />}
    </div>
  );
}

type Common = Pick<TileProps, "rect" | "pin" | "hand" | "floating">;

function StageTile({ item, ...common }: { item: StageItem } & Common) {
  if (item.key === SELF_KEY) return <SelfTile {...common} />;
  if (item.kind === "screen") return <ScreenTile participantId={item.participantId} {...common} />;
  return <PersonTile participantId={item.participantId} {...common} />;
}

function SelfTile(common: Common) {
  const self = useMeeting((state) => state.self);
  const speaking = useMeeting((state) => state.people.activeSpeaker === self?.participantId);
  const quality = useMeeting((state) => state.people.quality[self?.participantId ?? ""]);
  const alone = useMeeting((state) => Object.keys(state.people.participants).length === 0);
  const camera = useLocal((state) => state.camera);
  const microphone = useLocal((state) => state.microphone);
  const reactions = useReactions(self?.participantId ?? "");
  if (!self) return null;
  return (
    <Tile
      {...common}
      participantId={self.participantId}
      source="camera"
      name={self.displayName}
      note="you"
      muted={!microphone.on}
      speaking={speaking && microphone.on && !alone}
      quality={quality}
      reactions={reactions}
      video={camera.on && camera.track ? <Video track={camera.track} mirrored /> : undefined}
    />
  );
}

function PersonTile({ participantId, ...common }: { participantId: string } & Common) {
  const one = useMeeting((state) => state.people.participants[participantId]);
  const speaking = useMeeting((state) => state.people.activeSpeaker === participantId);
  const quality = useMeeting((state) => state.people.quality[participantId]);
  const camera = one && producerFrom(one, "camera");
  const track = useMeeting((state) =>
    camera ? state.tracks[camera.producerId]?.track : undefined,
  );
  const reactions = useReactions(participantId);
  const shown = camera && !camera.paused ? camera.producerId : undefined;
  useShownHeight(shown, common.rect);
  const onFirstFrame = useFirstFrame(shown);
  if (!one) return null;
  const muted = isMuted(one);
  return (
    <Tile
      {...common}
      participantId={participantId}
      source="camera"
      name={one.displayName}
      muted={muted}
      speaking={speaking && !muted}
      quality={quality}
      reconnecting={one.connectionLost}
      reactions={reactions}
      video={shown && track ? <Video track={track} onFirstFrame={onFirstFrame} /> : undefined}
    />
  );
}

function ScreenTile({ participantId, ...common }: { participantId: string } & Common) {
  const one = useMeeting((state) => state.people.participants[participantId]);
  const screen = one && producerFrom(one, "screen");
  const track = useMeeting((state) =>
    screen ? state.tracks[screen.producerId]?.track : undefined,
  );
  useShownHeight(screen?.producerId, common.rect);
  const onFirstFrame = useFirstFrame(screen?.producerId);
  if (!one) return null;
  return (
    <Tile
      {...common}
      participantId={participantId}
      source="screen"
      name={`${one.displayName}'s screen`}
      video={track && <Video track={track} onFirstFrame={onFirstFrame} fit="contain" />}
    />
  );
}

/** Tells the subscriber how large a picture is, so that no larger one is sent. */
function useShownHeight(producerId: string | undefined, { height }: Rect) {
  const { subscriber } = useSession().client.media;
  useEffect(() => {
    if (producerId) subscriber.setShownHeight(producerId, height);
  }, [subscriber, producerId, height]);
}

/** Tells the subscriber that a picture is in sight. */
function useFirstFrame(producerId: string | undefined): () => void {
  const { subscriber } = useSession().client.media;
  return useCallback(() => {
    if (producerId) subscriber.pictureShown(producerId);
  }, [subscriber, producerId]);
}

const NO_REACTIONS: readonly Reaction[] = [];

function useReactions(participantId: string): readonly Reaction[] {
  const all = useMeeting((state) => state.reactions);
  return useMemo(() => {
    const own = all.filter((reaction) => reaction.participantId === participantId);
    return own.length > 0 ? own : NO_REACTIONS;
  }, [all, participantId]);
}
