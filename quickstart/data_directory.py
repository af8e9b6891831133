"""What the quick start keeps, and where."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

DEFAULT = ".data"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """DATA_DIR of the environment, `.data` without one. Absolute, so that it survives a change of directory."""

    root: Path

    @classmethod
    def from_environment(cls) -> "DataDirectory":
        return cls(Path(os.environ.get("DATA_DIR") or DEFAULT).expanduser().resolve())

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def users_lock(self) -> Path:
        """Held shared by every process that uses the embedded server."""
        return self.root / "postgres.users"

    @property
    def keeper_lock(self) -> Path:
        """Held by the one process that keeps the embedded server running."""
        return self.root / "postgres.keeper"

    @property
    def address(self) -> str | None:
        """Where the quick start served last, as a URL; commands tell it to people while it runs or not."""
        try:
            return (self.root / "address").read_text().strip() or None
        except OSError:
            return None

    def note_address(self, url: str) -> None:
        self.make()
        (self.root / "address").write_text(f"{url}\n")

    def make(self) -> None:
        """Raises OSError where the directory can be neither made nor written."""
        # As root, PostgreSQL runs as another user, who must pass through.
        self.root.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(self.root))

    def secret_key(self) -> str:
        """Django's SECRET_KEY of this installation: made at the first call, the same ever after."""
        path = self.root / "secret_key"
        if not path.exists():
            # Written whole, then given its name: of two first starts, both read what one of them wrote.
            draft = path.with_name(f"secret_key.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return path.read_text()
