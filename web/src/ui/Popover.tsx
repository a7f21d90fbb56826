import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { IconButton } from "./Button";
import "./Popover.css";

interface PopoverProps {
  label: string;
  icon: ReactNode;
  look?: "plain" | "on";
  children: (close: () => void) => ReactNode;
}

/** A button that opens a small pane above itself. Escape and a click elsewhere shut it. */
export function Popover({ label, icon, look = "plain", children }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLSpanElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>(".popover button")?.focus();
    const onPointer = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", onPointer);
    document.addEventListener("keydown", onKey, true);
    return () => {
      document.removeEventListener("pointerdown", onPointer);
      document.removeEventListener("keydown", onKey, true);
    };
  }, [open]);
  return (
    <span className="popover-root" ref={root}>
      <IconButton
        label={label}
        icon={icon}
        look={look}
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}
      />
      {open && (
        <div className="popover" id={id}>
          {children(() => setOpen(false))}
        </div>
      )}
    </span>
  );
}
