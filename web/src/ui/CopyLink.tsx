import { Check, Link2 } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "./Button";

/** Copies the link with which others come to this room. */
export function CopyLink({ label = "Copy link" }: { label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    const { origin, pathname } = window.location;
    try {
      await navigator.clipboard.writeText(origin + pathname);
      setCopied(true);
    } catch {
      window.prompt("Copy this link:", origin + pathname);
    }
  };
  return (
    <Button
      className="copy-link"
      icon={copied ? <Check size={17} /> : <Link2 size={17} />}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{copied ? "Copied" : label}</span>
    </Button>
  );
}
