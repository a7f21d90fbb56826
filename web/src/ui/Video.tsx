import { useEffect, useRef } from "react";
import "./Video.css";

interface VideoProps {
  track: MediaStreamTrack;
  /** One's own camera is shown as in a mirror. */
  mirrored?: boolean;
  /** Fill the tile and lose the edges, or show all and leave bars. */
  fit?: "cover" | "contain";
  /** Shows no new frames. */
  still?: boolean;
  onFirstFrame?: () => void;
  onSize?: (width: number, height: number) => void;
}

export function Video({ track, mirrored, fit = "cover", still, onFirstFrame, onSize }: VideoProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    let request = 0;
    if (onFirstFrame && "requestVideoFrameCallback" in element) {
      request = element.requestVideoFrameCallback(onFirstFrame);
    }
    return () => {
      if (request) element.cancelVideoFrameCallback(request);
      element.srcObject = null;
    };
  }, [track, onFirstFrame]);
  useEffect(() => {
    if (!still) return;
    const element = video.current;
    element?.pause();
    return () => void element?.play().catch(() => undefined);
  }, [still]);
  return (
    <video
      ref={video}
      className={mirrored ? "video video-mirrored" : "video"}
      style={{ objectFit: fit }}
      autoPlay
      playsInline
      muted
      onResize={() => {
        if (video.current) onSize?.(video.current.videoWidth, video.current.videoHeight);
      }}
    />
  );
}
