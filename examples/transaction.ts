// Bank transactions: four checks at the same time within one deadline, then the money moves in one
// step.
//
//   node --conditions=source examples/transaction.ts 20000
import { main } from "@sluice/go";
import { background, type Context, withTimeout } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { forEach, generate } from "@sluice/go/patterns";
import { sleep } from "@sluice/go/time";

export interface Transfer {
  readonly from: string;
  readonly to: string;
  readonly cents: number;
}

/** Why a transfer was refused: the bank's answer, and not a fault. */
export class Refused extends Error {
  override readonly name = "Refused";
}

export interface BankOptions {
  /** Milliseconds of one question to the ledger, the fraud service and so on; 2 by default. */
  readonly latency?: number;
  /** The most cents an account may send in all; 1,000,000 by default. */
  readonly limit?: number;
  /** Accounts that may neither send nor receive. */
  readonly sanctioned?: ReadonlySet<string>;
}

export class Bank {
  readonly balances: Map<string, number>;
  readonly #sent = new Map<string, number>();
  readonly #recent = new Map<string, string[]>();
  readonly #options: Required<BankOptions>;

  constructor(balances: Iterable<readonly [string, number]>, options: BankOptions = {}) {
    this.balances = new Map(balances);
    this.#options = { latency: 2, limit: 1_000_000, sanctioned: new Set(), ...options };
  }

  /**
   * Moves money, or rejects with a Refused, or with `DeadlineExceeded` after `ms` milliseconds.
   * Then nothing has moved.
   */
  async transfer(ctx: Context, transfer: Transfer, ms = 3_000): Promise<void> {
    const [own, cancel] = withTimeout(ctx, ms);
    using _ = cancel;
    const [checks, checking] = withContext(own); // the first refusal cancels the other checks
    for (const check of [this.#balance, this.#fraud, this.#limits, this.#sanctions]) {
      await checks.go(async () => {
        await sleep(this.#options.latency, checking); // the question, and the answer
        check.call(this, transfer);
      });
    }
    await checks.wait();
    this.#commit(transfer);
  }

  /**
   * Other transfers may have been committed since the checks, so balance and limit are checked
   * again, with no await in between.
   */
  #commit(transfer: Transfer): void {
    const { from, to, cents } = transfer;
    this.#balance(transfer);
    this.#limits(transfer);
    add(this.balances, from, -cents);
    add(this.balances, to, cents);
    add(this.#sent, from, cents);
    const recent = [...(this.#recent.get(from) ?? []).slice(-2), to];
    this.#recent.set(from, recent); // race:ignore: part of the commit's one step
  }

  #balance({ from, to, cents }: Transfer): void {
    if (!this.balances.has(to)) throw new Refused(`${to}: no such account`);
    if ((this.balances.get(from) ?? 0) < cents) throw new Refused(`${from}: balance too low`);
  }

  /** Three transfers in a row to one account look like somebody who empties it. */
  #fraud({ from, to }: Transfer): void {
    const recent = this.#recent.get(from) ?? [];
    if (recent.length === 3 && recent.every((before) => before === to)) throw new Refused(`${from}: suspicious`);
  }

  #limits({ from, cents }: Transfer): void {
    if ((this.#sent.get(from) ?? 0) + cents > this.#options.limit) throw new Refused(`${from}: above the limit`);
  }

  #sanctions({ from, to }: Transfer): void {
    const found = [from, to].find((account) => this.#options.sanctioned.has(account));
    if (found !== undefined) throw new Refused(`${found}: sanctioned`);
  }
}

function add(amounts: Map<string, number>, account: string, cents: number): void {
  amounts.set(account, (amounts.get(account) ?? 0) + cents); // race:ignore: part of the commit's one step
}

/** Transfers of up to 10 €, among accounts that are taken in turn. */
export function* sample(count: number, accounts: number): Generator<Transfer> {
  for (let i = 0; i < count; i++) {
    const from = (i * 7) % accounts;
    yield {
      from: `account ${from}`,
      to: `account ${(from + 1 + (i % (accounts - 1))) % accounts}`,
      cents: (i * 37) % 1000,
    };
  }
}

if (import.meta.main) {
  await main(async () => {
    const count = Number(process.argv[2] ?? 20_000);
    const bank = new Bank(Array.from({ length: 1000 }, (_, i) => [`account ${i}`, 5_000]));
    const total = (): number => [...bank.balances.values()].reduce((sum, cents) => sum + cents, 0);
    const refused = new Map<string, number>();
    const before = total();
    const began = performance.now();
    const ctx = background();
    const move = async (transfer: Transfer): Promise<void> => {
      try {
        await bank.transfer(ctx, transfer);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const why = error.message.replace(/.*: /, "");
        refused.set(why, (refused.get(why) ?? 0) + 1);
      }
    };
    await forEach(ctx, generate(ctx, sample(count, 1000)), move, { workers: 200 });
    const seconds = (performance.now() - began) / 1000;
    console.log(`${count} transfers in ${seconds.toFixed(1)} s: ${Math.round(count / seconds)} a second`);
    for (const [why, times] of refused) console.log(`refused, ${why}: ${times}`);
    console.log(`all accounts before ${before / 100} €, after ${total() / 100} €`);
  });
}
