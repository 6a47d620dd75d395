/**
 * The chat with the draft: which chat, what its program does, and whether the code on screen is what runs.
 */
import { mountChat } from "../chat/chat.js"
import { el, fill } from "../shared/dom.js"
import { icon } from "../shared/icons.js"
import { keep, kept } from "../shared/keep.js"
import { ApiError, api } from "../shared/server.js"
import { missingPackage } from "./traceback.js"

/** @typedef {import("./types.js").RunState} RunState */
/** @typedef {import("./types.js").BotFile} BotFile */
/** @typedef {ReturnType<typeof createChatPane>} ChatPane */
/** @typedef {Record<string, string>} Etags path → etag, of what runs */

const HELLO = { text: "Say something to your bot. To change it, edit the code and press Run." }
/** A restart that was refused brings no frame; the button goes back to what the chat says. */
const STARTING_MOST_MS = 4000

/**
 * @param {HTMLElement} host
 * @param {import("./state.js").IdeStore} store
 * @param {object} hooks
 * @param {(isReplay: boolean) => void} hooks.onStart isReplay: before this page was loaded
 * @param {(text: string) => void} hooks.onConsole
 * @param {(end: import("./console.js").End, isReplay: boolean) => void} hooks.onEnd
 * @param {(file: string, line: number) => void} hooks.goTo
 * @param {() => void} hooks.onOther another chat is shown from now on
 * @param {import("./console.js").Packages} hooks.packages
 */
export function createChatPane(host, store, { onStart, onConsole, onEnd, goTo, onOther, packages }) {
  /** @type {ReturnType<typeof mountChat> | null} */
  let chat = null
  let botId = ""
  /** @type {Etags} */
  let ran = {}
  let isFresh = false

  const now = () => Object.fromEntries(store.get("files").map(({ path, etag }) => [path, etag]))
  const keyOf = (/** @type {string} */ id) => `hal9.run.${id}`

  const judge = () => {
    const current = now()
    const isEdited = Object.keys(store.get("saves")).length > 0
    const paths = new Set([...Object.keys(ran), ...Object.keys(current)])
    const isOther = [...paths].some((path) => ran[path] !== current[path])
    store.set({ isStale: chat !== null && store.get("bot") !== null && (isEdited || isOther) })
  }

  const noteRan = () => {
    ran = now()
    keep(keyOf(botId), { chat: store.get("chat"), ran })
    judge()
  }

  /** A package that is not there can be asked for. @param {import("../chat/types.js").Fault} error */
  const remedy = ({ type, message }) => {
    const module = type === "ModuleNotFoundError" ? missingPackage(`${type}: ${message}`) : ""
    const requirement = module && packages.requirementFor(module)
    return requirement ? { label: `Add ${requirement} to requirements.txt`, act: () => packages.add(requirement) } : null
  }

  const detailOf = (/** @type {Event} */ event) => /** @type {CustomEvent} */ (event).detail
  const isOld = (/** @type {Event} */ event) => Boolean(detailOf(event).isReplay) && !isFresh
  host.addEventListener("chat:state", (event) => store.set({ run: detailOf(event).state }))
  host.addEventListener("chat:start", (event) => onStart(isOld(event)))
  host.addEventListener("chat:console", (event) => onConsole(detailOf(event).text))
  host.addEventListener("chat:end", (event) => onEnd(detailOf(event), isOld(event)))
  host.addEventListener("chat:gone", () => void pane.open(botId))
  host.addEventListener("chat:goto", (event) => {
    const { file, line } = detailOf(event)
    goTo(file, line)
  })
  store.watch("files", judge)
  store.watch("saves", judge)

  /** @param {string} id @param {boolean} [isNew] made a moment ago, so that even what is replayed happens now */
  const show = (id, isNew = false) => {
    chat?.destroy()
    onOther()
    isFresh = isNew
    store.set({ chat: id, run: "starting" })
    chat = mountChat(host, { chatId: id, role: "author", placeholder: "Message your bot", hello: HELLO, remedy })
  }

  const clear = () => {
    chat?.destroy()
    chat = null
    store.set({ chat: null, run: "none", isStale: false })
    onOther()
  }

  const pane = {
    /**
     * Shows the chat of a bot: the one that was open in this browser, else its latest, else a new one.
     * @param {string} id
     * @param {{isUnrun?: boolean, made?: Promise<{id: string}> | null}} [how] isUnrun: wait for Run; made: a new chat on its way
     */
    async open(id, { isUnrun = false, made = null } = {}) {
      clear()
      botId = id
      fill(host)
      if (made) return void (await pane.startNew(made))
      try {
        const { chats } = await api("GET", `bots/${id}/chats`)
        if (id !== botId) return
        const last = kept(keyOf(id))
        const known = chats.find((/** @type {{id: string}} */ one) => one.id === last?.chat) ?? chats[0]
        if (!known) return isUnrun ? askForRun() : void (await pane.startNew())
        show(known.id)
        ran = known.id === last?.chat ? last.ran : now()
        judge()
      } catch (error) {
        refused(error, () => pane.open(id, { isUnrun }))
      }
    },

    /** Opens another chat, which starts the program. @param {Promise<{id: string}>} [made] @returns {Promise<boolean>} */
    async startNew(made) {
      const id = botId
      const before = store.get("run")
      store.set({ run: "starting" })
      try {
        const answer = await (made ?? api("POST", `bots/${id}/chats`, { json: {} }))
        if (id !== botId) return false
        fill(host)
        show(answer.id, true)
        noteRan()
        return true
      } catch (error) {
        store.set({ run: before })
        refused(error, () => pane.startNew())
        return false
      }
    },

    /** Goes back to another chat of this bot. @param {string} chatId */
    back(chatId) {
      show(chatId)
      ran = {}
      judge()
    },

    /** Starts the program again, with the code that the server has. */
    async restart() {
      if (!chat) return pane.startNew()
      if (chat.state === "reconnecting") return false
      const restarted = chat
      chat.restart()
      noteRan()
      setTimeout(
        () => restarted === chat && store.get("run") === "starting" && store.set({ run: restarted.state }),
        STARTING_MOST_MS
      )
      return true
    },

    stop: () => chat?.stop(),
    noteRan,
    /** Files are known now: judge again. */
    settle: () => (Object.keys(ran).length ? judge() : noteRan()),
    focus() {
      const box = host.querySelector("textarea")
      if (box) box.focus()
      else host.focus()
    }
  }

  const askForRun = () => {
    fill(
      host,
      el(
        "div",
        { class: "chat__unrun" },
        el("span", { class: "lens", "aria-hidden": true }),
        el("p", null, "This code came from a link and has not run. Read it, then press Run."),
        el("button", { class: "btn", type: "button", "data-act": "run" }, icon("play", "icon--ok"), "Run")
      )
    )
  }

  /** Says in the pane itself why there is no chat. @param {unknown} error @param {() => unknown} again */
  const refused = (error, again) => {
    if (!(error instanceof ApiError)) throw error
    if (chat) return
    fill(
      host,
      el(
        "div",
        { class: "chat__unrun" },
        el(
          "div",
          { class: "notice notice--bad", role: "alert" },
          icon("alert"),
          el("span", null, error.message),
          el("button", { class: "btn btn--sm", type: "button", onclick: () => again() }, "Try again")
        )
      )
    )
  }

  return pane
}
