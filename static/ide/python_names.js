/**
 * What gets which colour: grammar tags become our own class names. For the editor and for code that is only read.
 */
import { tagHighlighter, tags } from "../vendor/cm-6.43.15/highlight.js"

export const BUILTINS = new Set(
  (
    "abs all any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate" +
    " eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list" +
    " locals map max memoryview min next object oct open ord pow print property range repr reversed round set setattr slice sorted" +
    " staticmethod str sum super tuple type vars zip"
  ).split(" ")
)

export const highlighter = tagHighlighter([
  {
    tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword],
    class: "tok-keyword"
  },
  { tag: [tags.string, tags.special(tags.string), tags.character, tags.regexp, tags.monospace], class: "tok-string" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], class: "tok-number" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.className, tags.definition(tags.propertyName)],
    class: "tok-function"
  },
  { tag: [tags.comment, tags.docComment, tags.quote], class: "tok-comment" },
  { tag: [tags.heading, tags.strong], class: "tok-strong" },
  { tag: tags.emphasis, class: "tok-emphasis" },
  { tag: [tags.link, tags.url], class: "tok-link" },
  { tag: [tags.meta, tags.processingInstruction, tags.contentSeparator], class: "tok-meta" }
])
