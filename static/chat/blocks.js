/**
 * Elements for the blocks of a Markdown text.
 */
import { el } from "../shared/dom.js"
import { Code } from "./code.js"
import { addInline } from "./inline.js"

/** @typedef {import("marked").Token} Token */
/** @typedef {import("marked").Tokens.List} List */
/** @typedef {import("marked").Tokens.Table} Table */
/** @typedef {import("marked").Tokens.TableCell} Cell */

const DEEPEST = 12

/**
 * The element of a block, or null for what shows nothing: blank lines, definitions.
 * @param {Token} token
 * @param {number} [depth] how deep in lists and quotes; below the deepest, a block is shown as its source
 * @returns {HTMLElement | null}
 */
export function block(token, depth = 0) {
  if (token.type === "space" || token.type === "def") return null
  const build = depth < DEEPEST ? BUILDERS[token.type] : undefined
  return build ? build(token, depth) : el("p", null, token.raw)
}

/** @type {Record<string, (token: any, depth: number) => HTMLElement | null>} */
const BUILDERS = {
  paragraph: (token) => inlineBlock("p", token),
  text: (token) => inlineBlock("p", token),
  heading,
  hr: () => el("hr"),
  drawing: (token) => drawing(token.text),
  code: (token) => (token.codeBlockStyle === "indented" ? drawing(token.text) : new Code(token.lang ?? "", ended(token.text)).node),
  blockquote: (token, depth) => (token.tokens.length > 0 ? inside(el("blockquote"), token.tokens, depth) : null),
  list,
  table,
}

/** Bots begin at any depth, so all their headings have the level below the chat's own; the depth is only seen. @param {any} token */
function heading(token) {
  const node = inlineBlock("h3", token)
  node.className = `msg__h${Math.min(token.depth, 4)}`
  return node
}

/** @param {"p" | "h3"} tag @param {{tokens?: Token[], text: string}} token */
function inlineBlock(tag, token) {
  const node = el(tag)
  if (token.tokens) addInline(node, token.tokens)
  else node.append(token.text)
  return node
}

/** @param {string} text */
function drawing(text) {
  return el("pre", { class: "msg__drawing", tabIndex: 0 }, text)
}

/** marked leaves the last line's end out, except after a blank line. @param {string} text */
function ended(text) {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`
}

/** @param {HTMLElement} node @param {Token[]} tokens @param {number} depth */
function inside(node, tokens, depth) {
  for (const token of tokens) {
    const child = block(token, depth + 1)
    if (child) node.append(child)
  }
  return node
}

/** @param {List} token @param {number} depth */
function list(token, depth) {
  const node = el(token.ordered ? "ol" : "ul")
  if (node instanceof HTMLOListElement && token.start !== "" && token.start !== 1) node.start = Number(token.start)
  for (const item of token.items) {
    const entry = el("li")
    for (const child of item.tokens) {
      // A tight list has its text straight in the entry.
      if (child.type === "text" || child.type === "checkbox") addInline(entry, [child])
      else entry.append(block(child, depth + 1) ?? "")
    }
    node.append(entry)
  }
  return node
}

/** Wide tables scroll in a box of their own, which the keyboard must reach. @param {Table} token */
function table(token) {
  const head = el("tr", null, token.header.map((cell) => tableCell("th", cell)))
  const rows = token.rows.map((row) => el("tr", null, row.map((cell) => tableCell("td", cell))))
  return el("div", { class: "msg__table", tabIndex: 0, role: "group", "aria-label": "Table" },
    el("table", null, el("thead", null, head), el("tbody", null, rows)))
}

/** @param {"th" | "td"} tag @param {Cell} cell */
function tableCell(tag, cell) {
  const node = el(tag, cell.align ? { class: `is-${cell.align}` } : null)
  if (tag === "th") node.setAttribute("scope", "col")
  addInline(node, cell.tokens)
  return node
}
