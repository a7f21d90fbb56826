import { X } from "lucide-react";
import type { ReactNode } from "react";
import { showPanel } from "../state/meetingStore";
import { IconButton } from "../ui/Button";
import { useSession } from "./SessionContext";
import "./SidePanel.css";

/** The pane beside the pictures; on a narrow screen, over them. */
export function SidePanel({ title, children }: { title: string; children: ReactNode }) {
  const { store } = useSession();
  return (
    <aside className="side-panel" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <IconButton
          label="Close"
          shortcut="Esc"
          look="bare"
          tip="below"
          icon={<X size={19} />}
          onClick={() => showPanel(store, undefined)}
        />
      </header>
      {children}
    </aside>
  );
}
