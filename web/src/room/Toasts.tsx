import { CircleAlert, Info, X } from "lucide-react";
import { useEffect } from "react";
import { dropNotice, dropReaction, type Notice } from "../state/meetingStore";
import { IconButton } from "../ui/Button";
import { useMeeting, useSession } from "./SessionContext";
import "./Toasts.css";

const SHOWN_MS = 7_000;
const REACTION_MS = 2_600;

/** What just happened, said once. */
export function Toasts() {
  const notices = useMeeting((state) => state.notices);
  const reactions = useMeeting((state) => state.reactions);
  return (
    <div className="toasts" role="status">
      {notices.map((notice) => (
        <Toast key={notice.id} notice={notice} />
      ))}
      {reactions.map(({ id }) => (
        <Fading key={id} id={id} />
      ))}
    </div>
  );
}

function Toast({ notice: { id, kind, text } }: { notice: Notice }) {
  const { store } = useSession();
  useEffect(() => {
    const timer = setTimeout(() => dropNotice(store, id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [store, id]);
  return (
    <div className={`toast toast-${kind}`}>
      {kind === "problem" ? <CircleAlert size={18} /> : <Info size={18} />}
      <span>{text}</span>
      <IconButton
        label="Dismiss"
        look="bare"
        icon={<X size={16} />}
        onClick={() => dropNotice(store, id)}
      />
    </div>
  );
}

/** Ends a reaction once it has risen; its tile shows it. */
function Fading({ id }: { id: number }) {
  const { store } = useSession();
  useEffect(() => {
    const timer = setTimeout(() => dropReaction(store, id), REACTION_MS);
    return () => clearTimeout(timer);
  }, [store, id]);
  return null;
}
