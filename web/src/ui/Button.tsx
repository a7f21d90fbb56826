import type { ButtonHTMLAttributes, ReactNode } from "react";
import "./Button.css";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: "primary" | "plain" | "danger";
  icon?: ReactNode;
  wide?: boolean;
};

export function Button({ look = "plain", icon, wide, className, children, ...rest }: ButtonProps) {
  const classes = ["button", `button-${look}`, wide && "button-wide", className];
  return (
    <button type="button" {...rest} className={classes.filter(Boolean).join(" ")}>
      {icon}
      {children}
    </button>
  );
}

type IconButtonProps = Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> & {
  /** What it does, in words; read aloud and shown as the tooltip. */
  label: string;
  /** The key that does the same, shown in the tooltip. */
  shortcut?: string;
  icon: ReactNode;
  look?: "plain" | "off" | "on" | "danger" | "bare";
  badge?: number;
  tip?: "above" | "below";
};

export function IconButton(props: IconButtonProps) {
  const { label, shortcut, icon, look = "plain", badge, tip = "above", className, ...rest } = props;
  const classes = ["icon-button", `icon-button-${look}`, className].filter(Boolean).join(" ");
  return (
    <button
      type="button"
      {...rest}
      className={classes}
      aria-label={label}
      aria-keyshortcuts={shortcut}
      data-tip={shortcut ? `${label}  ·  ${shortcut}` : label}
      data-tip-side={tip}
    >
      {icon}
      {badge ? <span className="icon-button-badge">{badge > 99 ? "99+" : badge}</span> : null}
    </button>
  );
}
