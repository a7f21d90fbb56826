import { useEffect, useRef } from "react";
import type { RemoteTrack } from "../state/meetingStore";
import { useLocal, useMeeting } from "./SessionContext";

/** Everybody's sound. Tells when the browser will not play it before a click. */
export function RemoteAudio({ onBlocked }: { onBlocked: (blocked: boolean) => void }) {
  const tracks = useMeeting((state) => state.tracks);
  const sounds = Object.values(tracks).filter(({ track }) => track.kind === "audio");
  return sounds.map((sound) => (
    <Sound key={sound.consumerId} sound={sound} onBlocked={onBlocked} />
  ));
}

interface SoundProps {
  sound: RemoteTrack;
  onBlocked: (blocked: boolean) => void;
}

function Sound({ sound: { track, participantId }, onBlocked }: SoundProps) {
  const audio = useRef<HTMLAudioElement>(null);
  const speakerId = useLocal((state) => state.speakerId);
  useEffect(() => {
    const element = audio.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    const play = () => element.play().then(() => onBlocked(false), blocked);
    const blocked = (error: unknown) => {
      if (!(error instanceof Error) || error.name !== "NotAllowedError") return;
      onBlocked(true);
      document.addEventListener("pointerdown", () => void play(), { once: true });
    };
    void play();
    return () => {
      element.srcObject = null;
    };
  }, [track, onBlocked]);
  useEffect(() => {
    const element = audio.current;
    if (!element || !("setSinkId" in element)) return;
    // A speaker that is gone is no reason for silence: the default goes on.
    element.setSinkId(speakerId).catch(() => undefined);
  }, [speakerId]);
  return <audio ref={audio} autoPlay data-participant={participantId} />;
}
