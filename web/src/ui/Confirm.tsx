import { useRef } from "react";
import { Button } from "./Button";
import "./Confirm.css";
import { Dialog } from "./Dialog";

interface ConfirmProps {
  title: string;
  text: string;
  /** What the button that does it says. */
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  return (
    <Dialog
      ref={dialog}
      className="confirm"
      titleId="confirm-title"
      textId="confirm-text"
      onClose={onClose}
    >
      <h2 id="confirm-title">{title}</h2>
      <p id="confirm-text">{text}</p>
      <div className="confirm-actions">
        <Button autoFocus onClick={close}>
          Cancel
        </Button>
        <Button
          look="danger"
          onClick={() => {
            onConfirm();
            close();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
