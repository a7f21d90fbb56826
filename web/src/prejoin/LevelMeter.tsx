import { useEffect, useRef } from "react";
import { watchLevel } from "../media/level";
import "./LevelMeter.css";

/** How loud a microphone is, as bars that light up. */
export function LevelMeter({ track }: { track: MediaStreamTrack | undefined }) {
  const meter = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!track) return;
    return watchLevel(track, (level) => meter.current?.style.setProperty("--level", `${level}`));
  }, [track]);
  return (
    <div
      ref={meter}
      className="level-meter"
      aria-hidden="true"
      data-live={track ? true : undefined}
    >
      <span />
    </div>
  );
}
