/**
 * Markdown as chats need it: marked's lexer, told that a bot is often a plain program that prints lines. Pure.
 *
 * Where a rule of Markdown would swallow what a program printed, the program wins: every newline counts, a line of dashes
 * is no heading, a line below a list is not part of its last entry, `[ERROR]: disk` is text, columns keep their spaces.
 */
import { Lexer } from "../vendor/marked-18.2.1/marked.js"

/** @typedef {import("marked").Token} Token */

const LIST_ENTRY = /^\s*(?:[*+-]|\d{1,9}[.)])(?:\s|$)/
const FENCE = /^ {0,3}(?:`{3,}|~{3,})/
const STARTS_BLOCK = /^ {0,3}(?:#{1,6} |>|`{3,}|~{3,}|[*+-] |\d{1,9}[.)] )/
const TABLE_RULE = /^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/
/** So many quotes and entries in one another that only a stack overflow is meant. */
const TOO_DEEP = /^(?: {0,3}(?:>|[*+-] |\d{1,9}[.)] ) ?){20}/
const DRAWING = /[|\\/_=+<>^~#\-\u2500-\u259f]/g

const tokenizer = plainTokenizer()
const extensions = /** @type {any} */ ({ block: [drawing], renderers: {}, childTokens: {} })

/**
 * The blocks of a Markdown text. Their `raw` parts joined are the text.
 * @param {string} source without carriage returns
 * @returns {{tokens: Token[], hasDefinitions: boolean}}
 */
export function lex(source) {
  const lexer = new Lexer({ gfm: true, breaks: true, pedantic: false, tokenizer, extensions })
  const tokens = lexer.lex(source)
  return { tokens: [...tokens], hasDefinitions: Object.keys(tokens.links).length > 0 }
}

/** marked's tokenizer with our changes. Each change first lets marked read less, or refuses what it read. */
function plainTokenizer() {
  const marked = new Lexer({ gfm: true }).options.tokenizer
  if (!marked) throw new Error("marked has no tokenizer")
  const { list, blockquote, table, def, del } = marked
  marked.lheading = () => undefined
  marked.html = () => undefined
  marked.tag = () => undefined
  marked.list = (source) => {
    if (TOO_DEEP.test(source)) return undefined
    return list.call(marked, upTo(source, (line) => /^\S/.test(line) && !LIST_ENTRY.test(line)))
  }
  marked.blockquote = (source) => {
    if (TOO_DEEP.test(source)) return undefined
    return blockquote.call(marked, upTo(source, (line) => !/^ {0,3}>/.test(line)))
  }
  marked.table = (source) => table.call(marked, upTo(source, (line) => !line.includes("|")))
  marked.def = (source) => {
    const found = def.call(marked, source)
    return found && /^(?:https?:|mailto:|tel:|\/)/i.test(found.href) ? found : undefined
  }
  marked.del = (source, masked, before) => {
    const found = del.call(marked, source, masked, before)
    return found?.raw.startsWith("~~") ? found : undefined
  }
  return marked
}

/**
 * The text before the first line, the first one excepted, at which a block ends although Markdown would read on.
 * @param {string} source
 * @param {(line: string) => boolean} isEnd asked about lines that follow a line with text
 */
function upTo(source, isEnd) {
  let at = source.indexOf("\n") + 1
  while (at > 0 && at < source.length) {
    const next = source.indexOf("\n", at) + 1
    const line = source.slice(at, next || undefined)
    const isAfterBlank = source[at - 2] === "\n" || at === 1
    if (line.trim() && !isAfterBlank && isEnd(line)) return source.slice(0, at)
    at = next
  }
  return source
}

/**
 * A block extension for marked: lines that are drawn, or set in columns, become one block that keeps its spaces.
 * @this {{lexer: Lexer}}
 * @param {string} source
 */
function drawing(source) {
  if (!this.lexer.state.top || STARTS_BLOCK.test(source)) return undefined
  const lines = linesOfGroup(source)
  const needed = source.startsWith("|") ? 3 : 2
  if (lines.length < needed || TABLE_RULE.test(lines[1]?.trimEnd() ?? "")) return undefined
  const drawn = lines.filter(isDrawn).length
  if (drawn < 2 || drawn < lines.length * 0.4) return undefined
  const text = lines.join("\n")
  return { type: "drawing", raw: source.slice(0, text.length + 1), text }
}

/** @param {string} source @returns {string[]} the lines before the first blank one or the first fence */
function linesOfGroup(source) {
  const lines = []
  for (let at = 0; at < source.length;) {
    const end = source.indexOf("\n", at)
    const line = source.slice(at, end < 0 ? undefined : end)
    if (!line.trim() || FENCE.test(line)) break
    lines.push(line)
    at = end < 0 ? source.length : end + 1
  }
  return lines
}

/** @param {string} line */
function isDrawn(line) {
  if (LIST_ENTRY.test(line)) return false
  if (/^ {2,}\S|\S(?:\t| {3,})\S/.test(line)) return true
  const marks = line.replaceAll(/\s/g, "")
  return marks.length > 2 && (marks.match(DRAWING)?.length ?? 0) >= marks.length / 2
}
