import { useLayoutEffect, useState, type RefObject } from "react";

/** An element's inner size in CSS pixels, as it changes; zero before the first layout. */
export function useSize(element: RefObject<HTMLElement | null>): [width: number, height: number] {
  const [size, setSize] = useState<[number, number]>([0, 0]);
  useLayoutEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setSize([entry.contentRect.width, entry.contentRect.height]);
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return size;
}
