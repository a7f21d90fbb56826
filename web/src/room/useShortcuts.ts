import { useEffect, useEffectEvent } from "react";

/** Calls by key, lower case; not while somebody types, nor together with Ctrl, Alt or Meta. */
export function useShortcuts(actions: Record<string, () => void>): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    // A dialog has the keyboard to itself, Escape included.
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key !== "escape" && isTyping(event.target)) return;
    const action = actions[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener("keydown", listener);
    return () => window.removeEventListener("keydown", listener);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]")
  );
}
