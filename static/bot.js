/**
 * The visitor's page: opens a chat with a bot, keeps several, shares the link.
 */
import { mountDrawer } from "./bot/drawer.js"
import { Visit } from "./bot/visit.js"
import { el, fill, find, pageData } from "./shared/dom.js"
import { rings } from "./shared/rings.js"
import { ApiError } from "./shared/server.js"

/** @typedef {import("./bot/visit.js").ChatRow} ChatRow */
/** @typedef {{key: string, title: string, description: string | null, by: string | null, examples: string[]}} Bot */

/** @type {Bot} */
const bot = pageData()
// The chat's modules come while the first chat is asked for.
const chatModule = import("./chat/chat.js")
const extras = () => import("./bot/extras.js")
const host = find("#chat", HTMLElement)
const visit = new Visit(bot.key)
const drawer = mountDrawer({ onOpen: open, onNew: startNew, onDelete: remove })
const thumb = () => el("span", { class: "thumb" })

/** @type {import("./chat/types.js").Chat | null} */
let chat = null
/** @type {ChatRow[]} */
let chats = []
/** Conversations that are gone from the list while Undo is offered. @type {Set<string>} */
const leaving = new Set()
let hasSpoken = false

function picture() {
  const node = thumb()
  node.append(rings(bot.title))
  return node
}

/** @param {string} id */
function open(id) {
  if (id === visit.current && chat) return chat.focus()
  visit.open(id)
  void show(id)
}

/** Shows a chat; "" shows one that has no id yet. @param {string} chatId */
async function show(chatId) {
  const { mountChat } = await chatModule
  chat?.destroy()
  fill(host)
  hasSpoken = false
  chat = mountChat(host, {
    chatId, role: "visitor", visitor: visit.secret, name: bot.title, thumb: picture, examples: bot.examples,
    hello: { title: bot.title, text: bot.description || "Say something to begin." },
  })
  if (matchMedia("(pointer: fine)").matches) chat.focus()
  if (chatId) listSoon()
  return chat
}

async function startNew() {
  // An empty conversation is as new as another one would be.
  const isUnused = chat && !hasSpoken && !chats.some((row) => row.id === visit.current && row.title)
  if (isUnused) return chat?.focus()
  const before = chat ? visit.current : null
  // The box is there, and takes text, while the chat is still asked for.
  const [asked, shown] = await Promise.allSettled([visit.begin(), show("")])
  if (shown.status === "rejected") throw shown.reason
  if (asked.status === "rejected") return refused(asked.reason, before)
  if (shown.value !== chat) return
  visit.open(asked.value)
  chat.connect(asked.value, visit.secret)
  listSoon()
}

/**
 * No chat can be had: goes back to the one before, or says why and tries again where waiting helps.
 * @param {unknown} error
 * @param {string | null} before
 */
async function refused(error, before) {
  if (!(error instanceof ApiError)) throw error
  chat?.destroy()
  chat = null
  if (before) {
    open(before)
    return (await extras()).complain(error.message)
  }
  const again = el("button", { class: "btn", type: "button", onclick: () => startNew() }, "Try again")
  const isFull = error.status === 429 || error.status === 503
  fill(host, el("div", { class: "visit__plain", role: "alert" }, el("span", { class: "lens", "aria-hidden": true }),
    el("h2", null, isFull ? "One moment" : "No conversation could be opened"), el("p", null, error.message), again))
  const seconds = error.retrySeconds
  if (isFull && seconds) setTimeout(() => again.isConnected && startNew(), seconds * 1000)
}

let listing = 0
function listSoon() {
  drawer.show(chats, visit.current)
  clearTimeout(listing)
  listing = window.setTimeout(async () => {
    chats = (await visit.chats().catch(() => chats)).filter((row) => !leaving.has(row.id))
    drawer.show(chats, visit.current)
  }, 300)
}

/** Gone at once, deleted when Undo is no longer offered. @param {ChatRow} row */
async function remove(row) {
  leaving.add(row.id)
  chats = chats.filter((other) => other !== row)
  if (row.id === visit.current) leave()
  drawer.show(chats, visit.current)
  const onUndo = () => {
    leaving.delete(row.id)
    listSoon()
  }
  const { offerUndo } = await extras()
  offerUndo({ onUndo, onGone: () => visit.remove(row.id).finally(() => leaving.delete(row.id)) })
}

/** The open conversation goes: shows the next one, or begins another. */
function leave() {
  const next = chats[0]
  chat?.destroy()
  chat = null
  if (next) open(next.id)
  else void startNew()
}

host.addEventListener("chat:sent", (event) => {
  hasSpoken = true
  const row = chats.find(({ id }) => id === visit.current)
  if (!row || row.title) return
  row.title = /** @type {CustomEvent} */ (event).detail.text.slice(0, 60)
  drawer.show(chats, visit.current)
})
host.addEventListener("chat:state", (event) => {
  const { state } = /** @type {CustomEvent} */ (event).detail
  if (hasSpoken && (state === "waiting" || state === "ended")) listSoon()
})
host.addEventListener("chat:gone", () => {
  chat?.destroy()
  chat = null
  visit.open(null)
  void startNew()
})

// A page that closes while Undo is offered deletes at once: the person had decided.
addEventListener("pagehide", () => {
  for (const id of leaving) {
    void fetch(`/api/v1/chats/${id}`, { method: "DELETE", headers: { "X-Visitor": visit.secret ?? "" }, keepalive: true })
  }
})

find("#share", HTMLButtonElement).onclick = async () => (await extras()).share(bot.title)
const more = find("#more", HTMLButtonElement)
more.onclick = async () => (await extras()).openThemes(more)

find("#thumb", HTMLElement).replaceChildren(rings(bot.title))
if (visit.current && visit.secret) void show(visit.current)
else void startNew()
