// Loaded when a .md file opens. Built from the parser alone: @codemirror/lang-markdown would bring HTML, CSS and
// JavaScript for code blocks inside the text (73 kB compressed) with it.
import { Language, LanguageSupport, defineLanguageFacet, languageDataProp } from "@codemirror/language"
import { GFM, parser } from "@lezer/markdown"

const data = defineLanguageFacet({ commentTokens: { block: { open: "<!--", close: "-->" } } })
const markdown = new Language(data, parser.configure([GFM, { props: [languageDataProp.add({ Document: data })] }]), [], "markdown")

/** @returns {LanguageSupport} GitHub's Markdown */
export function language() {
  return new LanguageSupport(markdown)
}
