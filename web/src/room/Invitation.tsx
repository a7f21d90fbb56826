import { UsersRound } from "lucide-react";
import { CopyLink } from "../ui/CopyLink";
import { Panel } from "../ui/Panel";
import "./Invitation.css";
import { useSession } from "./SessionContext";

/** What an empty room says to the first one in. */
export function Invitation() {
  const { entry } = useSession();
  return (
    <Panel className="invitation" aria-label="Invite others">
      <UsersRound size={22} aria-hidden="true" />
      <div>
        <h2>You are the first one here</h2>
        <p>
          {entry.token
            ? "Others come straight in, each by a link of their own."
            : "Share the link, and others come straight in."}
        </p>
      </div>
      {!entry.token && <CopyLink />}
    </Panel>
  );
}
