import { useEffect, useRef } from "react";
import { Button } from "./Button";
import "./Confirm.css";

interface ConfirmProps {
  title: string;
  text: string;
  /** What the button that does it says. */
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. Escape and a click elsewhere mean no. */
export function Confirm({ title, text, action, onConfirm, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const close = () => dialog.current?.close();
  return (
    <dialog
      ref={dialog}
      className="confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) close();
      }}
    >
      <div className="confirm-body">
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
      </div>
    </dialog>
  );
}
