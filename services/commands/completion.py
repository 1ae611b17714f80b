"""Completion of commands and options for bash and zsh, made from the parser itself: `eval "$(duygu completion)"`."""

import argparse

SCRIPT = """\
# In bash and zsh: eval "$(duygu completion)"
[ -z "$ZSH_VERSION" ] || { autoload -U +X bashcompinit && bashcompinit; }
_duygu() {
  local current=${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" = 1 ]; then
    words="@COMMANDS@"
  else
    case ${COMP_WORDS[1]} in
@CASES@
    esac
    [ "${current#-}" != "$current" ] || [ "$words" != "${words#[a-z]}" ] || return 0 # names of files
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _duygu duygu
"""


def completion_script(parser: argparse.ArgumentParser) -> str:
    """What the shell evaluates."""
    commands = commands_of(parser)
    cases = "\n".join(f'      {name}) words="{" ".join(_words(command))}" ;;' for name, command in commands.items())
    return SCRIPT.replace("@COMMANDS@", " ".join(commands)).replace("@CASES@", cases)


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser, by name."""
    choices = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(next(choices, {}))


def _words(command: argparse.ArgumentParser) -> list[str]:
    """Its own commands and the values of its first argument, then its options."""
    positional = [
        str(choice) for action in command._actions for choice in action.choices or () if not action.option_strings
    ]
    return positional + [option for action in command._actions for option in action.option_strings]
