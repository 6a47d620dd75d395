import { LanguageSupport } from "@codemirror/language"
export function language(): LanguageSupport
