import assert from "node:assert/strict"
import { test } from "node:test"

const { Saver } = await import("../../static/ide/saver.js")
const { ApiError } = await import("../../static/shared/server.js")

/**
 * A saver with a server that answers what the test says, and a clock that the test moves.
 * @param {{answers?: (Error | string)[], theirs?: {text: string | null, etag: string | null}}} [server] answers: etags, or refusals
 */
function desk({ answers = [], theirs = { text: "theirs", etag: "t1" } } = {}) {
  const screen = { "app.py": "one" }
  /** @type {any[]} */
  const puts = []
  /** @type {string[]} */
  const states = []
  /** @type {Record<string, any>} */
  const drafts = {}
  /** @type {{work: () => void, wait: number}[]} */
  const timers = []
  /** @type {string[]} */
  const conflicts = []
  /** @type {string[]} */
  const refusals = []
  const saver = new Saver({
    read: (path) => screen[/** @type {"app.py"} */ (path)],
    put: async (path, text, etag) => {
      puts.push({ path, text, etag })
      const answer = answers.shift() ?? `e${puts.length}`
      if (answer instanceof Error) throw answer
      return { etag: answer }
    },
    get: async () => theirs,
    keep: (path, draft) => (draft ? (drafts[path] = draft) : delete drafts[path]),
    onState: (_, state) => states.push(state ?? "saved"),
    onRefused: (_, error) => refusals.push(error.message),
    onConflict: (path) => conflicts.push(path),
    later: (work, wait) => timers.push({ work, wait })
  })
  saver.track("app.py", "e0")
  return { saver, screen, puts, states, drafts, timers, conflicts, refusals }
}

const offline = () => new ApiError(0, "offline", "away")
const raced = () => new ApiError(412, "lost_race", "raced")

test("a change is saved 800 ms after the last key, against the copy that was read", async () => {
  const { saver, puts, states, timers } = desk()
  saver.changed("app.py")
  saver.changed("app.py")
  assert.equal(Math.round((timers.at(-1)?.wait ?? 0) / 100), 8)
  assert.deepEqual(puts, [])
  await saver.flush("app.py")
  assert.deepEqual(puts, [{ path: "app.py", text: "one", etag: "e0" }])
  assert.deepEqual(states, ["dirty", "saving", "saved"])
  assert.equal(saver.etagOf("app.py"), "e1")
})

test("nothing is sent while nothing changed", async () => {
  const { saver, puts } = desk()
  assert.equal(await saver.flushAll(), true)
  assert.deepEqual(puts, [])
})

test("two saves of one file never run side by side", async () => {
  const { saver, screen, puts } = desk()
  saver.changed("app.py")
  const first = saver.flush("app.py")
  screen["app.py"] = "two"
  saver.changed("app.py")
  await Promise.all([first, saver.flush("app.py")])
  assert.deepEqual(
    puts.map(({ text, etag }) => [text, etag]),
    [
      ["one", "e0"],
      ["two", "e1"]
    ]
  )
})

test("a text that the server can't take stays in this browser and is sent again later", async () => {
  const { saver, drafts, states, timers, puts } = desk({ answers: [offline()] })
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), false)
  assert.equal(states.at(-1), "offline")
  assert.deepEqual(drafts["app.py"], { text: "one", etag: "e0" })
  assert.ok((timers.at(-1)?.wait ?? 0) >= 1000)
  assert.equal(await saver.flush("app.py"), true)
  assert.equal(puts.length, 2)
  assert.deepEqual(drafts, {})
  assert.equal(states.at(-1), "saved")
})

test("a save that lost a race writes nothing more until the person decides", async () => {
  const { saver, puts, conflicts, states } = desk({ answers: [raced()] })
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), false)
  assert.deepEqual(conflicts, ["app.py"])
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), false)
  assert.equal(puts.length, 1)
  assert.equal(states.at(-1), "conflict")
  saver.settle("app.py", "t1")
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), true)
  assert.equal(puts.at(-1).etag, "t1")
})

test("both sides having written the same is no conflict", async () => {
  const { saver, conflicts } = desk({ answers: [raced()], theirs: { text: "one", etag: "t9" } })
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), true)
  assert.deepEqual(conflicts, [])
  assert.equal(saver.etagOf("app.py"), "t9")
})

test("what the server refuses is told once and kept", async () => {
  const { saver, refusals, drafts, states } = desk({ answers: [new ApiError(413, "too_large", "Too large.")] })
  saver.changed("app.py")
  assert.equal(await saver.flush("app.py"), false)
  assert.deepEqual(refusals, ["Too large."])
  assert.equal(states.at(-1), "failed")
  assert.equal(drafts["app.py"].text, "one")
})

test("a page that goes away keeps what was not sent", () => {
  const { saver, drafts } = desk()
  saver.changed("app.py")
  saver.keepDrafts()
  assert.deepEqual(drafts["app.py"], { text: "one", etag: "e0" })
})
