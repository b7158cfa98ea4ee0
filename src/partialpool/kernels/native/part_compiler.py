"""Kernels that are parts of larger functions: numba translates them, and only the whole is optimised.

numba optimises each function together with all that it calls, makes machine code of it, and does so again
for every caller. Of kernels that only other kernels call that work is thrown away: it took a third of the
density's compile time. Here such a kernel stays as it was translated until a C function is made of its parts.
"""

from __future__ import annotations

from typing import Any

from numba import _dynfunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering


class _Part(JITCodeLibrary):  # type: ignore[misc]  # its class has no types
    """A function's code together with that of all it calls, for linking into others only."""

    def finalize(self) -> None:
        for library in dict.fromkeys(self._linking_libraries):
            self._reload_init.update(library._reload_init)
            self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):  # type: ignore[misc]
    """numba's last step, which ends before anything is optimised or made machine code."""

    _name = "part_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags = state.flags.copy()
        state.flags.no_compile = True
        super().run_pass(state)
        state.library.finalize()
        # What callers know it by. Its address is 0: only code that is linked with it calls it.
        entry = _dynfunc.make_function(
            state.cr.fndesc.lookup_module(), state.func_id.func_name, "", 0, state.cr.env, (state.library,)
        )
        state.targetctx.insert_user_function(entry, state.cr.fndesc, [state.library])
        state["cr"] = state.cr._replace(cfunc=entry)
        return True


class PartCompiler(Compiler):  # type: ignore[misc]
    """numba's compiler for kernels that only other kernels call."""

    def define_pipelines(self) -> list[Any]:
        """numba's own steps but for the last."""
        (pipeline,) = super().define_pipelines()
        pipeline.add_pass_after(_PartLowering, NativeLowering)
        pipeline.passes = [step for step in pipeline.passes if step[0] is not NativeLowering]
        pipeline.finalize()
        return [pipeline]
