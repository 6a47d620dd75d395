/**
 * One bot at a time: its files, which of them have a tab, and their way to and from the server.
 */
import { ApiError, api } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { adoptDrafts, draftOf, draftPaths, dropDraft, keepDraft } from "./drafts.js"
import { keepPlacesOf, placesOf } from "./places.js"
import { Saver } from "./saver.js"
import { bareEtag, getFile, putFile, textOf, theirs } from "./server_files.js"

/** @typedef {import("./types.js").Bot} Bot */
/** @typedef {import("./types.js").BotFile} BotFile */
/** @typedef {Bot & {files: BotFile[]}} BotAnswer */
/** @typedef {{path: string, stored: Promise<import("./server_files.js").Stored | null>}} Early */
/** @typedef {ReturnType<typeof createWorkspace>} Workspace */

/** Longer texts make the editor slow, and nobody writes them by hand. */
const TEXT_BYTES = 1024 * 1024

/**
 * @param {import("./state.js").IdeStore} store
 * @param {import("./editor/editor.js").Editor} editor
 * @param {object} hooks
 * @param {(path: string) => void} hooks.onConflict
 * @param {(path: string | null, bytes: ArrayBuffer | null) => void} hooks.onUneditable shows a file that is not text; null hides it
 */
export function createWorkspace(store, editor, { onConflict, onUneditable }) {
  let botId = ""
  /** Files with a tab that are not text. @type {Map<string, ArrayBuffer>} */
  const uneditable = new Map()

  const saver = new Saver({
    read: (path) => editor.text(path),
    put: async (path, text, etag) => {
      const id = botId
      const answer = await putFile(id, path, text, etag)
      if (id === botId) noteFile({ path, bytes: answer.bytes, etag: answer.etag }, answer.changed)
      return answer
    },
    get: (path) => theirs(botId, path, TEXT_BYTES),
    keep: (path, draft) => (draft ? keepDraft(botId, path, draft) : dropDraft(botId, path)),
    onState(path, state) {
      const { [path]: _, ...others } = store.get("saves")
      store.set({ saves: state ? { ...others, [path]: state } : others })
    },
    onRefused: (path, error) => void toast(`${path} was not saved. ${error.message}`, { kind: "bad" }),
    onConflict
  })

  /** @param {BotFile} file @param {string[]} [changed] */
  function noteFile(file, changed) {
    const others = store.get("files").filter(({ path }) => path !== file.path)
    store.set({ files: [...others, file] })
    const bot = store.get("bot")
    if (bot && changed) store.set({ bot: { ...bot, changed } })
  }

  /** @param {BotAnswer} answer */
  function take({ files, ...bot }) {
    store.set({ bot, files: files.map((file) => ({ ...file, etag: bareEtag(file.etag) })) })
  }

  /** @param {string} path @param {{text?: string | null, etag: string, bytes: ArrayBuffer}} stored */
  function admit(path, { etag, bytes }) {
    const draft = draftOf(botId, path)
    const text = textOf(bytes, TEXT_BYTES)
    if (text === null) return void uneditable.set(path, bytes)
    saver.track(path, draft ? draft.etag : etag)
    const isNews = draft !== null && draft.text !== text
    editor.open(path, isNews ? draft.text : text, placesOf(botId)?.cursors?.[path] ?? 0)
    if (draft && !isNews) saver.settle(path, etag)
    if (isNews) saver.changed(path)
  }

  const workspace = {
    get botId() {
      return botId
    },

    /**
     * Opens a bot: its files as the server has them, its tabs as they were left in this browser.
     * @param {string} id
     * @param {Promise<BotAnswer>} answer
     * @param {Early} early the file in front, asked for beside it
     */
    async openBot(id, answer, early) {
      workspace.keepPlaces()
      saver.close()
      editor.closeAll()
      uneditable.clear()
      botId = id
      store.set({ bot: null, files: [], open: [], current: null, saves: {} })
      const [bot] = await Promise.all([answer, adoptDrafts(id)])
      if (id !== botId) return
      take(bot)
      const paths = new Set(bot.files.map(({ path }) => path))
      const stored = await early.stored
      const first = early.path
      if (id !== botId) return
      if (stored && paths.has(first)) admit(first, stored)
      const wanted = new Set([...(placesOf(id)?.open ?? []), ...draftPaths(id)].filter((path) => paths.has(path)))
      store.set({ open: [...wanted] })
      const front = paths.has(first) ? first : paths.has(bot.main) ? bot.main : [...paths].sort()[0]
      if (front) await workspace.show(front)
      else bringForward(null)
      await Promise.all([...draftPaths(id)].map((path) => (paths.has(path) ? workspace.load(path) : reviveDraft(path))))
    },

    /** Reads a file into the editor, once. @param {string} path */
    async load(path) {
      if (editor.has(path) || uneditable.has(path)) return
      const id = botId
      const stored = await getFile(id, path)
      if (id === botId && !editor.has(path)) admit(path, stored)
    },

    /** Brings a file to the front, in a tab. @param {string} path */
    async show(path) {
      const id = botId
      try {
        await workspace.load(path)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return void toast(`${path} can't be opened. ${error.message}`, { kind: "bad" })
      }
      if (id !== botId) return
      const open = store.get("open")
      store.set({ open: open.includes(path) ? open : [...open, path], current: path })
      bringForward(path)
      workspace.keepPlaces()
    },

    /** Closes a tab; what was typed is on its way to the server already. @param {string} path */
    async close(path) {
      void saver.flush(path)
      const open = store.get("open")
      const index = open.indexOf(path)
      const others = open.filter((other) => other !== path)
      store.set({ open: others })
      if (store.get("current") === path) {
        const next = others[Math.min(index, others.length - 1)]
        if (next) return workspace.show(next)
        store.set({ current: null })
        bringForward(null)
      }
      workspace.keepPlaces()
    },

    /** A person typed. @param {string} path */
    changed: (path) => saver.changed(path),

    /** @returns {Promise<boolean>} false when something on screen is not on the server */
    saveAll: () => saver.flushAll(),

    /** @param {string} path */
    isPending: (path) => saver.isPending(path),

    keepDrafts: () => saver.keepDrafts(),

    /** What both sides have, for the person who decides. @param {string} path */
    async conflict(path) {
      return { mine: editor.text(path), theirs: await theirs(botId, path, TEXT_BYTES) }
    },

    /** @param {string} path @param {string | null} etag the copy that is overwritten */
    async keepMine(path, etag) {
      saver.settle(path, etag)
      saver.changed(path)
      await saver.flush(path)
    },

    /** @param {string} path @param {string | null} text null: it is gone there @param {string | null} etag */
    async takeTheirs(path, text, etag) {
      if (text === null) return workspace.dropped(path)
      editor.replace(path, text)
      saver.settle(path, etag)
      await workspace.refresh()
    },

    /** Asks again what the server has: another tab or the command line may have changed it. */
    async refresh() {
      const id = botId
      if (!id) return
      const bot = /** @type {BotAnswer} */ (await api("GET", `bots/${id}`))
      if (id !== botId) return
      take(bot)
      const etags = new Map(bot.files.map(({ path, etag }) => [path, bareEtag(etag)]))
      for (const path of store.get("open")) {
        if (!editor.has(path) || saver.isPending(path)) continue
        const etag = etags.get(path)
        if (etag === undefined) workspace.dropped(path)
        else if (etag !== saver.etagOf(path)) await reread(path)
      }
    },

    /** A file that was made or replaced from here. @param {BotFile} file @param {string[]} [changed] */
    noted(file, changed) {
      noteFile(file, changed)
      if (editor.has(file.path) && !saver.isPending(file.path)) void reread(file.path)
    },

    /** A file is gone. @param {string} path */
    dropped(path) {
      saver.forget(path)
      store.set({ files: store.get("files").filter((file) => file.path !== path) })
      if (store.get("open").includes(path)) void workspace.close(path)
      editor.close(path)
      uneditable.delete(path)
    },

    /** A file has another name now. @param {string} from @param {string} to */
    renamed(from, to) {
      const file = store.get("files").find(({ path }) => path === from)
      const etag = saver.etagOf(from)
      saver.forget(from)
      if (editor.has(from)) {
        editor.rename(from, to)
        saver.track(to, etag)
      }
      const bytes = uneditable.get(from)
      if (bytes) uneditable.set(to, bytes)
      uneditable.delete(from)
      const files = store.get("files").filter(({ path }) => path !== from)
      store.set({
        files: file ? [...files, { ...file, path: to }] : files,
        open: store.get("open").map((path) => (path === from ? to : path)),
        current: store.get("current") === from ? to : store.get("current")
      })
      if (store.get("current") === to) bringForward(to)
      workspace.keepPlaces()
    },

    /** Remembers tabs and cursors in this browser. */
    keepPlaces() {
      if (!botId || !store.get("bot")) return
      const open = store.get("open")
      const cursors = Object.fromEntries(open.filter((path) => editor.has(path)).map((path) => [path, editor.cursor(path)]))
      keepPlacesOf(botId, { open, current: store.get("current"), cursors })
    }
  }

  /** @param {string | null} path */
  function bringForward(path) {
    const bytes = path === null ? undefined : uneditable.get(path)
    editor.show(path)
    onUneditable(bytes ? path : null, bytes ?? null)
  }

  /** @param {string} path */
  async function reread(path) {
    const stored = await getFile(botId, path).catch(() => null)
    const text = stored && textOf(stored.bytes, TEXT_BYTES)
    if (!stored || text === null || saver.isPending(path)) return
    editor.replace(path, text ?? "")
    saver.track(path, stored.etag)
  }

  /** A text that never reached the server, of a file that the server does not have. @param {string} path */
  async function reviveDraft(path) {
    const draft = draftOf(botId, path)
    if (!draft) return
    editor.open(path, draft.text)
    saver.track(path, null)
    saver.changed(path)
    await saver.flush(path)
  }

  return workspace
}
