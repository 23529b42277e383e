// Keeps a password that stands in `--to`, and the token of `serve --token`, out of what every user
// of the machine can see with `ps`. Plain JavaScript, for any Node ≥ 18.
//
// The program gets them as PGPASSWORD and SLUICE_TOKEN, since only its own user can read a
// process's environment. The arguments of the first process were typed, and could be seen until
// here.

const IN_PLACE = /^(postgres(?:ql)?:\/\/[^:@/?#]*):([^/?#]*)@/i;
const AS_PARAMETER = /([?&])password=([^&#]*)(&?)/i;

/**
 * Takes the token of `sluice serve` out of its arguments, in place, and puts it into the
 * environment.
 *
 * @param {string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean} whether there was one
 */
export function takeToken(argv, env) {
  if (argv[2] !== "serve") return false;
  let token;
  for (let n = 3; n < argv.length && argv[n] !== "--"; n++) {
    if (argv[n].startsWith("--token=")) token = argv.splice(n--, 1)[0].slice("--token=".length);
    else if (argv[n] === "--token" && n + 1 < argv.length) [, token] = argv.splice(n--, 2);
  }
  if (token === undefined) return false;
  env.SLUICE_TOKEN = token;
  return true;
}

/**
 * Takes passwords out of the addresses after `--to`, in place, and puts the last one into the
 * environment. Says so on standard error unless `--quiet` is given.
 *
 * @param {string[]} argv
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean} whether there was one
 */
export function takePassword(argv, env) {
  let password;
  for (let n = 0; n < argv.length && argv[n] !== "--"; n++) {
    const assigned = argv[n].startsWith("--to=");
    if (!assigned && argv[n - 1] !== "--to") continue;
    const address = assigned ? argv[n].slice("--to=".length) : argv[n];
    const [rest, found] = withoutPassword(address);
    if (found === undefined) continue;
    password = found;
    argv[n] = assigned ? `--to=${rest}` : rest;
  }
  if (password === undefined) return false;
  env.PGPASSWORD = password;
  return true;
}

/**
 * @param {string} address
 * @returns {[string, string | undefined]} the address without its password, and the password
 */
function withoutPassword(address) {
  if (!/^postgres(?:ql)?:\/\//i.test(address)) return [address, undefined];
  const found = IN_PLACE.exec(address) ?? AS_PARAMETER.exec(address);
  if (!found || found[2] === "") return [address, undefined];
  try {
    const password = decodeURIComponent(found[2]);
    let rest = address.replace(IN_PLACE, "$1@");
    while (AS_PARAMETER.test(rest))
      rest = rest.replace(AS_PARAMETER, (_, before, _value, after) => (after === "&" ? before : ""));
    return [rest, password];
  } catch {
    return [address, undefined]; // The program says what is wrong with it.
  }
}
