import { Hand } from "lucide-react";
import { hasRaisedHand } from "../state/hands";
import { REACTIONS } from "../state/reactions";
import { Button } from "../ui/Button";
import { REACTION_ICONS } from "./reactionIcons";
import "./ReactionsMenu.css";
import { useMeeting, useSession } from "./SessionContext";

export function ReactionsMenu({ close }: { close: () => void }) {
  const { gestures } = useSession().client;
  const raised = useMeeting((state) => hasRaisedHand(state.self));
  return (
    <div className="reactions">
      <div className="reactions-row">
        {REACTIONS.map((name) => {
          const { icon: Icon, words, hue } = REACTION_ICONS[name];
          return (
            <button
              key={name}
              type="button"
              title={words}
              aria-label={words}
              style={{ "--hue": hue } as React.CSSProperties}
              onClick={() => void gestures.react(name)}
            >
              <Icon size={23} />
            </button>
          );
        })}
      </div>
      <Button
        wide
        icon={<Hand size={18} />}
        aria-pressed={raised}
        onClick={() => {
          void gestures.setHand(!raised);
          close();
        }}
      >
        {raised ? "Lower your hand" : "Raise your hand"}
        <kbd>H</kbd>
      </Button>
    </div>
  );
}
