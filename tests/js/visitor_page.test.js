import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { modulesOf } from "../../tools/preload.mjs"

test("the visitor's page preloads the modules that it needs at once, and no others", () => {
  const page = readFileSync(new URL("../../templates/bot.html", import.meta.url), "utf8")
  const listed = [...page.matchAll(/"((?:shared|chat|bot|vendor)\/[\w./-]+)"/g)].map(([, name]) => `${name}.js`)
  const needed = new Set([...modulesOf("bot.js"), ...modulesOf("chat/chat.js")])
  needed.delete("bot.js")
  assert.deepEqual(listed.sort(), [...needed].sort())
})

test("the Markdown reader is not among them", () => {
  assert.ok(!modulesOf("chat/chat.js").some((path) => path.includes("marked")))
})
