/**
 * A tiny store: one object of state, read whole, changed by key, watched by key.
 */

/**
 * @template {Record<string, any>} S
 * @param {S} initial
 */
export function createStore(initial) {
  let state = { ...initial }
  /** @type {Map<keyof S, Set<(value: any, state: S) => void>>} */
  const watchers = new Map()

  return {
    /** @template {keyof S} K @param {K} key @returns {S[K]} */
    get(key) {
      return state[key]
    },

    /**
     * Changes some keys; watchers of keys whose value changed are called once, afterwards.
     * @param {Partial<S>} changes
     */
    set(changes) {
      const changed = Object.keys(changes).filter((key) => !Object.is(state[key], changes[key]))
      state = { ...state, ...changes }
      for (const key of changed) for (const watcher of [...(watchers.get(key) ?? [])]) watcher(state[key], state)
    },

    /**
     * Calls back whenever the key changes. Answers a function that ends it.
     * @template {keyof S} K
     * @param {K} key
     * @param {(value: S[K], state: S) => void} watcher
     * @returns {() => void}
     */
    watch(key, watcher) {
      const all = watchers.get(key) ?? new Set()
      watchers.set(key, all.add(watcher))
      return () => void all.delete(watcher)
    },
  }
}
