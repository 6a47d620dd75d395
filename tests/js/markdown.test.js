import { markup } from "./page_stub.js"
import assert from "node:assert/strict"
import { test } from "node:test"
import { HOSTILE } from "./hostile.js"

const { Markdown } = await import("../../static/chat/markdown.js")

const TAGS = new Set(("A B BLOCKQUOTE BR BUTTON CODE DEL DIV EM H3 HR IMG LI OL P PATH PRE SPAN STRONG SVG TABLE TBODY TD TH THEAD TR UL").split(" "))
const SCHEMES = /^(?:https?:|mailto:|tel:|\/f\/)/

/**
 * What a reply looks like when it has come in these pieces.
 * @param {string[]} pieces
 */
function shown(pieces) {
  const view = new Markdown()
  for (const piece of pieces) view.add(piece)
  view.end(() => pieces.join(""))
  return /** @type {any} */ (view.node)
}

/** @param {string} text */
const whole = (text) => markup(shown([text])).replace(/^<div>|<\/div>$/g, "")

/** @param {string} text */
const bySign = (text) => markup(shown([...text])).replace(/^<div>|<\/div>$/g, "")

test("lines that a program prints stay lines", () => {
  assert.equal(whole("1\n2\n"), "<p>1<br>2</p>")
})

test("a blank line separates paragraphs", () => {
  assert.equal(whole("a\n\nb\n"), "<p>a</p><p>b</p>")
})

test("a line of dashes below text is a rule, not a heading", () => {
  assert.equal(whole("Total\n-----\n12\n"), "<p>Total</p><hr><p>12</p>")
})

test("a line below a list does not join its last entry", () => {
  assert.equal(whole("- a\n- b\ndone\n"), "<ul><li>a</li><li>b</li></ul><p>done</p>")
})

test("a line below a table is no row", () => {
  assert.match(whole("| a | b |\n|---|---|\n| 1 | 2 |\ndone\n"), /<\/table><\/div><p>done<\/p>$/)
})

test("what looks like a definition but leads nowhere is text", () => {
  assert.equal(whole("[ERROR]: disk\n"), "<p>[ERROR]: disk</p>")
})

test("raw HTML is text", () => {
  assert.equal(whole("<b>x</b> **y**"), "<p><b>x</b> <strong>y</strong></p>".replace("<b>x</b>", "<b>x</b>"))
  assert.deepEqual(shown(["<b>x</b>"]).all().map((/** @type {any} */ node) => node.tagName), ["DIV", "P"])
})

test("indents of lines survive", () => {
  assert.equal(whole("if x:\n  y\nelse:\n z"), "<p>if x:<br>  y<br>else:<br> z</p>")
})

test("columns and drawings become one block that keeps its spaces", () => {
  const text = "Name      Age\nBob       12\nAlice      7"
  assert.equal(whole(text), `<pre>${text}</pre>`)
  const cow = " _______\n< hello >\n -------\n    \\   ^__^\n     \\  (oo)"
  assert.equal(whole(cow), `<pre>${cow}</pre>`)
})

test("a Markdown table is no drawing", () => {
  assert.match(whole("| a | b |\n|---|---|\n| 1 | 2 |"), /^<div><table>/)
})

test("colours of a terminal and carriage returns are left out", () => {
  assert.equal(bySign("\u001b[31mred\u001b[0m\r\nnext"), "<p>red<br>next</p>")
})

test("an ordered list goes on with its number", () => {
  const list = shown(["3. c\n4. d\n"]).children[0]
  assert.equal(list.start, 3)
})

test("a late definition turns earlier text into a link", () => {
  const text = "See [docs].\n\nOne.\n\nTwo.\n\nThree.\n\n[docs]: https://ok.test/\n"
  assert.match(bySign(text), /<a>docs<\/a>/)
})

test("a fence that is not closed still shows its lines", () => {
  assert.match(whole("```py\nx = 1\n"), /<code><span>x = 1\n<\/span><\/code>/)
})

test("text goes on below a fence that came in pieces", () => {
  assert.match(bySign("```py\nx = '```'\n``\n```\nafter **all**"), /x = '```'\n``\n<\/span><\/code>.*<p>after <strong>all<\/strong><\/p>$/s)
})

test("only files of bots are shown as images", () => {
  const tags = (/** @type {string} */ text) => shown([text]).all().map((/** @type {any} */ node) => node.tagName)
  assert.ok(tags("![x](/f/key/a.png)").includes("IMG"))
  assert.ok(!tags("![x](https://ok.test/a.png)").includes("IMG"))
  assert.ok(!tags("![x](/b/a.png)").includes("IMG"))
})

const SAMPLES = [
  "# T\n\ntext **b** _i_ `c`\n\n- a\n- b\n  - c\n\n1. x\n2. y\n\n> q\n> r\n\n```py\nfor x in y:\n    pass\n\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\nend",
  "one\ntwo\n\nthree\n~~~\ncode\n~~~\nfour\n\n\n\nfive",
  "- a\n\n- b\n\n- c\n\npara\n\n- d",
  "a | b\n--|--\n1 | 2\n\nx\ny\n\nz",
  "```\nopen fence\n\n\nwith blanks",
]

for (const [index, text] of SAMPLES.entries()) {
  test(`a reply in single signs looks as it does at once (${index})`, () => {
    assert.equal(bySign(text), whole(text))
  })
}

test("a long paragraph that never ends is cut at a line and stays complete", () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `line ${index}\n`)
  const node = shown(lines)
  assert.deepEqual(node.textContent.match(/line \d+/g)?.length, 3000)
})

test("of ten megabytes the end is shown and the page stays small", () => {
  const view = new Markdown()
  const piece = `${"x".repeat(79)}\n`.repeat(100)
  for (let index = 0; index < 1250; index += 1) view.add(piece)
  view.add("the end\n")
  view.end(() => "")
  const node = /** @type {any} */ (view.node)
  assert.ok(view.isShortened)
  assert.ok(node.textContent.length < 260_000)
  assert.ok(node.textContent.endsWith("the end"))
})

test("of a long fence the end is shown", () => {
  const view = new Markdown()
  view.add("```\n")
  for (let index = 0; index < 500; index += 1) view.add(`${"x".repeat(999)}\n`)
  view.add("last\n```\nafter")
  view.end(() => "")
  const node = /** @type {any} */ (view.node)
  assert.ok(view.isShortened)
  assert.ok(node.textContent.length < 260_000)
  assert.match(node.textContent, /last\nafter$/)
})

for (const text of HOSTILE) {
  test(`harmless: ${JSON.stringify(text)}`, () => {
    for (const node of [shown([text]), shown([...text])]) assertHarmless(node)
  })
}

/** @param {any} root */
function assertHarmless(root) {
  for (const node of root.all()) {
    assert.ok(TAGS.has(node.tagName), node.tagName)
    for (const [name, value] of node.attributes) {
      assert.ok(!/^on|^style$|^id$|^name$|srcdoc|formaction/i.test(name), name)
      if (name === "href" || name === "src") assert.match(value, SCHEMES)
    }
    assert.ok(node.tagName !== "IMG" || node.getAttribute("src").startsWith("/f/") || node.getAttribute("src").startsWith("http://hal9.test/f/"))
  }
}

for (const [name, text] of [
  ["quotes", "> ".repeat(5000) + "x\n"],
  ["entries", "- ".repeat(5000) + "x\n"],
  ["quotes and entries", "> - 1. ".repeat(2000) + "x\n"],
]) {
  test(`text in thousands of ${name} is shown as it is`, () => {
    const seen = whole(text)
    assert.ok(seen.includes("x"), seen.slice(0, 200))
    assert.ok(!seen.includes("<blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote><blockquote>"))
  })
}
