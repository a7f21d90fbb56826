import {
  Coffee,
  Heart,
  Laugh,
  Lightbulb,
  PartyPopper,
  ThumbsUp,
  type LucideIcon,
} from "lucide-react";
import type { ReactionName } from "../state/reactions";

export const REACTION_ICONS: Record<
  ReactionName,
  { icon: LucideIcon; words: string; hue: number }
> = {
  "thumbs-up": { icon: ThumbsUp, words: "Thumbs up", hue: 168 },
  heart: { icon: Heart, words: "Heart", hue: 350 },
  laugh: { icon: Laugh, words: "Laugh", hue: 45 },
  party: { icon: PartyPopper, words: "Hooray", hue: 285 },
  idea: { icon: Lightbulb, words: "Good idea", hue: 55 },
  coffee: { icon: Coffee, words: "Coffee", hue: 25 },
};
