import assert from "node:assert/strict"
import { test } from "node:test"
import { ending, writing } from "../../static/chat/sentences.js"
import { EMPTY, isBusy, receive, send, withdraw } from "../../static/chat/state.js"
import { Text } from "../../static/chat/text.js"

/** @typedef {import("../../static/chat/types.js").ChatState} ChatState */

let seq = 0
/** @param {string} kind @param {object} [fields] */
const frame = (kind, fields) => ({ kind, seq: (seq += 1), ...fields })

/**
 * The state after frames that come live, each a tenth of a second after the last.
 * @param {object[]} frames
 * @param {ChatState} [from]
 */
function after(frames, from = receive(EMPTY, { kind: "hello", seq: 0, state: "starting" }, 0)) {
  return frames.reduce((/** @type {ChatState} */ state, one, index) => receive(state, /** @type {any} */ (one), index * 100), from)
}

/** A short form of the log. @param {ChatState} state */
const log = (state) => state.items.map((item) => {
  if (item.kind === "reply") return `bot: ${item.text}`
  if (item.kind === "person") return `you: ${item.text}`
  return item.kind === "end" ? `end: ${item.reason} ${item.place}` : item.kind
})

test("a message and its reply", () => {
  const state = after([frame("start", { by: "open" }), frame("waiting"), frame("input", { id: "a", text: "hi" }), frame("output", { text: "Echo: " }),
    frame("output", { text: "hi\n" }), frame("end", { reason: "exited", exit_status: 0 })])
  assert.deepEqual(log(state), ["you: hi", "bot: Echo: hi\n", "end: exited during"])
  assert.equal(state.phase, "ended")
})

test("newlines of a message come back as newlines", () => {
  assert.deepEqual(log(after([frame("output", { text: "Echo: one\ftwo\n" })])), ["bot: Echo: one\ntwo\n"])
})

test("a frame that came before changes nothing", () => {
  const output = frame("output", { text: "once" })
  const once = after([output])
  assert.equal(receive(once, output, 0), once)
})

test("a number may be skipped", () => {
  seq += 5
  assert.deepEqual(log(after([frame("output", { text: "a" }), { ...frame("output", { text: "b" }), seq: (seq += 3) }])), ["bot: ab"])
})

test("pieces with more are one message", () => {
  const state = after([frame("input", { id: "a", text: "one ", more: true }), frame("input", { id: "a", text: "two" })])
  assert.deepEqual(log(state), ["you: one two"])
})

test("a message is shown once: the bubble that was sent becomes the one that was taken", () => {
  const sent = send(EMPTY, { id: "a", text: "hi" })
  assert.equal(sent.outbox.length, 1)
  const taken = after([frame("input", { id: "a", text: "hi" })], sent)
  assert.equal(taken.outbox.length, 0)
  assert.deepEqual(log(taken), ["you: hi"])
})

test("messages keep their order, and a refused one goes behind the others when it is tried again", () => {
  let state = send(send(EMPTY, { id: "a", text: "1" }), { id: "b", text: "2" })
  state = receive(state, { kind: "refused", id: "a", code: "queue_full", text: "Full." }, 0)
  assert.deepEqual(state.outbox.map(({ id, status, refusal }) => [id, status, refusal]), [["a", "refused", "Full."], ["b", "pending", ""]])
  state = send(state, { id: "a", text: "1" })
  assert.deepEqual(state.outbox.map(({ id }) => id), ["b", "a"])
  assert.deepEqual(withdraw(state, "b").outbox.map(({ id }) => id), ["a"])
})

test("an accepted message that comes late for its input changes nothing", () => {
  const state = after([frame("input", { id: "a", text: "x" })], send(EMPTY, { id: "a", text: "x" }))
  assert.deepEqual(receive(state, { kind: "accepted", id: "a" }, 0).outbox, [])
})

test("the last question is the prompt, and it is part of what the bot said", () => {
  const state = after([frame("start", { by: "open" }), frame("prompt", { text: "Give me " , more: true }), frame("prompt", { text: "a word: " }), frame("waiting")])
  assert.equal(state.prompt, "Give me a word: ")
  assert.deepEqual(log(state), ["bot: Give me a word: "])
})

test("a question that the script did not ask again in a new run stays the prompt", () => {
  const asked = after([frame("start", { by: "open" }), frame("prompt", { text: "Word: " }), frame("waiting")])
  const answered = after([frame("input", { id: "a", text: "x" }), frame("start", { by: "message" }), frame("end", { reason: "exited" })], asked)
  assert.equal(answered.prompt, "Word: ")
})

test("waiting without a question has no prompt", () => {
  const asked = after([frame("prompt", { text: "Name: " }), frame("waiting"), frame("input", { id: "a", text: "x" }), frame("output", { text: "y" }), frame("waiting")])
  assert.equal(asked.prompt, "")
})

test("a sign that only marks a terminal's line is not shown", () => {
  const state = after([frame("output", { text: "1\n" }), frame("prompt", { text: "> " }), frame("waiting")])
  assert.deepEqual(log(state), ["bot: 1\n"])
})

test("a question below output is a paragraph of its own", () => {
  assert.deepEqual(log(after([frame("output", { text: "- a\n" }), frame("prompt", { text: "Which? " })])), ["bot: - a\n\nWhich? "])
})

test("a run that a person started is divided from what was before, and what it ended needs no word", () => {
  const before = after([frame("start", { by: "open" }), frame("output", { text: "a" }), frame("waiting"), frame("end", { reason: "stopped" })])
  const state = after([frame("start", { by: "restart" }), frame("output", { text: "a" })], before)
  assert.deepEqual(log(state), ["bot: a", "divider", "bot: a"])
  assert.equal(state.run, 2)
})

test("the opening is not divided from nothing", () => {
  assert.deepEqual(log(after([frame("start", { by: "open" })])), [])
})

test("a stop marks the reply that was being written, and no other", () => {
  const during = after([frame("input", { id: "a", text: "x" }), frame("output", { text: "y" }), frame("end", { reason: "stopped" })])
  assert.equal(during.items[1]?.kind === "reply" && during.items[1].isStopped, true)
  const later = after([frame("output", { text: "y" }), frame("waiting"), frame("end", { reason: "stopped" })])
  assert.equal(later.items[0]?.kind === "reply" && later.items[0].isStopped, false)
})

test("messages that a stop ended are shown with their end", () => {
  const state = after([frame("input", { id: "a", text: "x" }), frame("end", { reason: "stopped", exit_status: null }),
    frame("input", { id: "b", text: "y" }), frame("end", { reason: "stopped", exit_status: null })])
  assert.deepEqual(log(state), ["you: x", "end: stopped before", "you: y", "end: stopped before"])
})

test("late output belongs to the turn that was answered", () => {
  const state = after([frame("input", { id: "a", text: "x" }), frame("output", { text: "1\n" }), frame("waiting"), frame("output", { text: "2\n" })])
  assert.deepEqual(log(state), ["you: x", "bot: 1\n2\n"])
  assert.equal(state.phase, "waiting")
})

test("a gap parts a reply", () => {
  assert.deepEqual(log(after([frame("output", { text: "a" }), frame("gap", { from: 1, to: 2 }), frame("output", { text: "b" })])), ["bot: a", "gap", "bot: b"])
})

test("lines of the source are gathered once each", () => {
  const state = after([frame("output", { text: "ab", src: [[0, "app.py", 3], [1, "app.py", 4]] }), frame("output", { text: "c", src: [[0, "app.py", 3], [1, null, null]] })])
  assert.deepEqual(state.items[0]?.kind === "reply" && state.items[0].sources, [{ file: "app.py", line: 3 }, { file: "app.py", line: 4 }])
})

test("a file takes the place of its earlier version", () => {
  const file = { name: "a.png", type: "image/png", bytes: 3 }
  const state = after([frame("file", { ...file, url: "/f/1/a.png" }), frame("file", { ...file, url: "/f/2/a.png" })])
  assert.deepEqual(state.items[0]?.kind === "reply" && state.items[0].files, [{ name: "a.png", url: "/f/2/a.png", type: "image/png", bytes: 3 }])
})

test("a turn is timed while it is watched, and not when it is replayed", () => {
  const live = after([frame("input", { id: "a", text: "x" }), frame("output", { text: "y" }), frame("waiting")])
  assert.equal(live.items[1]?.kind === "reply" && live.items[1].seconds, 0.2)
  const frames = [frame("input", { id: "b", text: "x" }), frame("output", { text: "y" }), frame("waiting")]
  const replayed = after(frames, receive(EMPTY, { kind: "hello", seq, state: "waiting" }, 0))
  assert.equal(replayed.items[1]?.kind === "reply" && replayed.items[1].seconds, null)
})

test("what is replayed does not change what the server said is so now", () => {
  const frames = [frame("start", { by: "open" }), frame("output", { text: "y" }), frame("end", { reason: "exited" })]
  const state = after(frames.slice(0, 2), receive(EMPTY, { kind: "hello", seq, state: "ended" }, 0))
  assert.equal(state.phase, "ended")
  assert.equal(isBusy(state), false)
})

test("an unknown frame is no error", () => {
  assert.deepEqual(log(after([frame("later_invention", {})])), [])
})

/** @param {Partial<import("../../static/chat/types.js").End>} end */
const ended = (end) => ({ kind: /** @type {const} */ ("end"), key: "k", seq: 0x7f3a, reason: "exited", exitStatus: 0, error: null,
  place: /** @type {const} */ ("during"), isFirst: false, ...end })

test("a visitor gets a kind sentence and something to quote", () => {
  const shown = ending(ended({ reason: "crashed" }), "visitor", "abcdef")
  assert.equal(shown?.look, "notice")
  assert.match(shown?.title ?? "", /abcd-7f3a/)
})

test("the author gets a card for a crash and for each limit", () => {
  for (const reason of ["crashed", "timed_out", "out_of_memory", "output_limit"]) assert.equal(ending(ended({ reason }), "author", "abcdef")?.look, "crash")
})

test("a run that ended by itself after it answered needs no word", () => {
  assert.equal(ending(ended({}), "visitor", "abcdef"), null)
  assert.equal(ending(ended({}), "author", "abcdef"), null)
})

test("silence is explained", () => {
  assert.match(ending(ended({ place: "before" }), "author", "abcdef")?.title ?? "", /without printing/)
  assert.equal(ending(ended({ place: "before", isFirst: true }), "visitor", "abcdef"), null)
})

test("every reason has its sentence for both", () => {
  for (const reason of ["stopped", "idle", "lost", "crashed", "timed_out", "out_of_memory", "output_limit"]) {
    for (const role of /** @type {const} */ (["author", "visitor"])) assert.ok(ending(ended({ reason, place: "before" }), role, "abcdef")?.title)
  }
})

test("text grows in pieces and is read from any place", () => {
  const text = new Text().plus("abc").plus("").plus("def").plus("g")
  assert.equal(String(text), "abcdefg")
  assert.deepEqual(text.since(4), { text: "efg", missed: 0 })
  assert.deepEqual(text.since(7), { text: "", missed: 0 })
})

test("an older text is not changed by what was added to it elsewhere", () => {
  const one = new Text().plus("a")
  const two = one.plus("b")
  const three = one.plus("c")
  assert.deepEqual([String(one), String(two), String(three)], ["a", "ab", "ac"])
})

test("text has a bound and says what it no longer has", () => {
  let text = new Text()
  for (let index = 0; index < 1000; index += 1) text = text.plus(`${"x".repeat(9_999)}\n`)
  assert.equal(text.end, 10_000_000)
  assert.ok(text.start > 0)
  assert.equal(text.since(0).missed, text.start)
  assert.equal(String(text).length, text.end - text.start)
})

test("the sign of work says what it waits for", () => {
  const times = { now: 1_000, turnAt: 0, newsAt: 0 }
  const waiting = after([frame("start", { by: "open" }), frame("waiting")])
  assert.equal(writing(waiting, times), null)
  const sent = send(waiting, { id: "a", text: "x" })
  assert.deepEqual(writing(sent, times), { text: "Thinking", isSlow: false, isBelowReply: false, isLast: true })
  const live = after([frame("input", { id: "a", text: "x" }), frame("output", { text: "y" })], sent)
  assert.deepEqual(writing(live, times), { text: "Writing", isSlow: false, isBelowReply: true, isLast: false })
  assert.equal(writing(live, { ...times, now: 14_200 })?.text, "Still working, 14 s")
})
