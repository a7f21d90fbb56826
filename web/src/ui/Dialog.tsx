import { useEffect, type ReactNode, type RefObject } from "react";
import "./Dialog.css";

interface DialogProps {
  /** What closes it is `ref.current.close()`: the browser then gives back the focus. */
  ref: RefObject<HTMLDialogElement | null>;
  /** A class for its width, and for what is in it. */
  className: string;
  /** The ids of the elements that name and explain it. */
  titleId: string;
  textId?: string;
  onClose: () => void;
  children: ReactNode;
}

/** Stands before everything else. Escape and a click elsewhere close it. */
export function Dialog({ ref, className, titleId, textId, onClose, children }: DialogProps) {
  useEffect(() => {
    ref.current?.showModal();
  }, [ref]);
  return (
    <dialog
      ref={ref}
      className={`dialog ${className}`}
      aria-labelledby={titleId}
      aria-describedby={textId}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
