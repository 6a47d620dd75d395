import { LRLanguage } from "@codemirror/language"
export const pythonLanguage: LRLanguage
