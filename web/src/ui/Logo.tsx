import "./Logo.css";

export function Logo({ size = 28, withName = true }: { size?: number; withName?: boolean }) {
  return (
    <span className="logo">
      <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
        <circle cx="16" cy="16" r="4.6" fill="var(--accent)" />
        <g fill="none" stroke="var(--accent)" strokeLinecap="round" strokeWidth="2.8">
          <path d="M16 4a12 12 0 0 1 10.4 6" opacity=".95" />
          <path d="M27.7 13.7a12 12 0 0 1-4.9 11.9" opacity=".75" />
          <path d="M18.4 27.8a12 12 0 0 1-11.3-3.8" opacity=".55" />
          <path d="M4.4 19.2a12 12 0 0 1 4.9-13.1" opacity=".4" />
        </g>
      </svg>
      {withName && <span className="logo-name">Rotunda</span>}
    </span>
  );
}
