import { useEffect, useRef } from "react";
import { mark } from "../media/marks";
import "./Video.css";

interface VideoProps {
  track: MediaStreamTrack;
  /** One's own camera is shown as in a mirror. */
  mirrored?: boolean;
  /** Fill the tile and lose the edges, or show all and leave bars. */
  fit?: "cover" | "contain";
  /** Somebody else's picture, whose first frame counts. */
  remote?: boolean;
  onSize?: (width: number, height: number) => void;
}

export function Video({ track, mirrored, fit = "cover", remote, onSize }: VideoProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    let request = 0;
    if (remote && "requestVideoFrameCallback" in element) {
      request = element.requestVideoFrameCallback(() => mark("rotunda:first-frame"));
    }
    return () => {
      if (request) element.cancelVideoFrameCallback(request);
      element.srcObject = null;
    };
  }, [track, remote]);
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
