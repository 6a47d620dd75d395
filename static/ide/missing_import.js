/**
 * From a failed import to the line of requirements.txt that would cure it. Pure.
 */

export const REQUIREMENTS = "requirements.txt"

/** Import name and the name of the package, where the two differ; most packages have one name for both. */
const PACKAGES = new Map(
  (
    "attr:attrs bs4:beautifulsoup4 Crypto:pycryptodome cv2:opencv-python-headless dateutil:python-dateutil discord:discord.py" +
    " docx:python-docx dotenv:python-dotenv faiss:faiss-cpu fitz:pymupdf git:gitpython" +
    " googleapiclient:google-api-python-client jose:python-jose jwt:pyjwt Levenshtein:levenshtein magic:python-magic mpl_toolkits:matplotlib multipart:python-multipart MySQLdb:mysqlclient nacl:pynacl OpenSSL:pyopenssl" +
    " PIL:pillow pkg_resources:setuptools<81 pptx:python-pptx psycopg2:psycopg2-binary pylab:matplotlib PyPDF2:pypdf2" +
    " serial:pyserial skimage:scikit-image sklearn:scikit-learn slugify:python-slugify socks:pysocks speech_recognition:speechrecognition" +
    " telegram:python-telegram-bot usb:pyusb websocket:websocket-client whois:python-whois wx:wxpython" +
    " Xlib:python-xlib yaml:pyyaml zmq:pyzmq"
  )
    .split(" ")
    .map((pair) => /** @type {[string, string]} */ (pair.split(":")))
)

/** Python's own, but not on this server: no package would bring them. */
const ABSENT = new Set(
  "distutils ensurepip idlelib msvcrt nt tkinter _tkinter turtle turtledemo winreg winsound _winapi".split(" ")
)

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/

/**
 * The line for a module that could not be imported, or "" where no package would help: a file of the bot has that name,
 * it belongs to Python, or it is no name that a package could have.
 * @param {string} module as in `import`; only what stands before the first dot counts
 * @param {string[]} paths the bot's files
 */
export function requirementFor(module, paths) {
  const name = module.split(".")[0] ?? ""
  const isOwn = paths.some((path) => path === `${name}.py` || path.startsWith(`${name}/`))
  if (!NAME.test(name) || ABSENT.has(name) || isOwn) return ""
  return PACKAGES.get(name) ?? name.replaceAll("_", "-")
}

/**
 * The text of requirements.txt with one more line; the same text where the package is asked for already.
 * @param {string} text
 * @param {string} requirement
 */
export function withRequirement(text, requirement) {
  const has = text.split(/\r?\n/).some((line) => nameOf(line) === nameOf(requirement))
  if (has) return text
  const end = text.includes("\r\n") ? "\r\n" : "\n"
  return text + (text && !text.endsWith("\n") ? end : "") + requirement + end
}

/** @param {string} line */
function nameOf(line) {
  const name = /^\s*([A-Za-z0-9][A-Za-z0-9._-]*)/.exec(line)?.[1] ?? ""
  return name.toLowerCase().replaceAll(/[._-]+/g, "-")
}
