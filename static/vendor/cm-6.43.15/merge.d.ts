// Two texts side by side or one over the other, for a save that lost a race.
export { MergeView, goToNextChunk, goToPreviousChunk, unifiedMergeView } from "@codemirror/merge"
