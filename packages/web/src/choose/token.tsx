// The bearer token, asked for when the service wants one. It stays in memory, and has no name that
// a form could send.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useStore } from "../ui/context.ts";
import { Field } from "../ui/parts.tsx";

export function TokenField(): JSX.Element {
  const store = useStore();
  const [text, setText] = useState("");
  return (
    <form
      class="card token"
      onSubmit={(event) => {
        event.preventDefault();
        store.token.value = text;
        store.tokenRefused.value = false;
        store.tokenWanted.value = false;
        void store.refresh();
        for (const job of store.jobs.value) if (job.problem.value?.status === 401) void job.look();
      }}
    >
      <Field
        id="token"
        label="Token"
        hint="This server asks for a token. Whoever runs it has one for you."
        error={store.tokenRefused.value ? "The server does not take this token. Look at it again." : undefined}
      >
        <input
          id="token"
          type="password"
          autoComplete="off"
          aria-describedby="token-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          ref={(input) => input?.focus()}
        />
      </Field>
      <button class="primary" type="submit" disabled={text === ""}>
        Continue
      </button>
    </form>
  );
}
