"""Language models behind an OpenAI-compatible endpoint: `POST {base}/chat/completions`.

The same wire format is spoken by OpenAI, Azure's gateway, Groq, OpenRouter, vLLM, llama.cpp and Ollama; what differs is
the address, the key and the model's name. Format: https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from ops.kernel import http
from ops.kernel.http import ServiceRefused

MOST_ANSWER_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Words:
    """One message of a conversation with a model; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote, and what the service counted."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int
    cut: bool  # it ended because `max_tokens` was reached


class Client:
    """One endpoint with one key. Close it after use."""

    def __init__(self, *, base_url: str, key: str, timeout: float, public_only: bool = False) -> None:
        self._http = http.client(
            base_url,
            timeout=timeout,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            # A completion that was made is paid for: it is not asked for again behind the caller's back.
            attempts=1,
            public_only=public_only,
            max_bytes=MOST_ANSWER_BYTES,
        )

    def complete(
        self,
        messages: Sequence[Words],
        *,
        model: str,
        max_tokens: int,
        temperature: float = 0.0,
        json: bool = False,
    ) -> Completion:
        """The model's next words; `json` asks for one JSON object. Raises `ServiceUnavailable`, `ServiceRefused`."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": one.role, "content": one.content} for one in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if json:
            body["response_format"] = {"type": "json_object"}
        answer = self._http.post("chat/completions", json=body)
        try:
            found = answer.json()
            choice = found["choices"][0]
            usage = found.get("usage") or {}
            return Completion(
                text=str(choice["message"]["content"] or ""),
                model=str(found.get("model") or model),
                tokens_in=int(usage.get("prompt_tokens") or 0),
                tokens_out=int(usage.get("completion_tokens") or 0),
                cut=choice.get("finish_reason") == "length",
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise ServiceRefused(
                status_code=answer.status_code, words=f"no chat completion: {answer.text[:300]}"
            ) from error

    def models(self) -> list[str]:
        """Names of the models on offer (`GET {base}/models`): costs nothing. Raises like `complete`."""
        answer = self._http.get("models")
        try:
            return [str(one["id"]) for one in answer.json()["data"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceRefused(status_code=answer.status_code, words="no list of models") from error

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
