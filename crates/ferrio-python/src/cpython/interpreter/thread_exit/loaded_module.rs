//! A program or library that the dynamic linker has loaded (ELF: see `elf(5)` and `dl_iterate_phdr(3)`).

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

// Numbers of entries in the dynamic section.
const PLTRELSZ: usize = 2;
const STRTAB: usize = 5;
const SYMTAB: usize = 6;
const RELA: usize = 7;
const RELASZ: usize = 8;
const JMPREL: usize = 23;

/// An entry of the dynamic section.
#[repr(C)]
struct Entry {
    tag: usize,
    value: usize,
}

/// An entry of a table of relocations: `address` gets the address of a symbol.
#[repr(C)]
struct Relocation {
    address: usize,
    /// The symbol's number is in the upper half.
    info: u64,
    addend: i64,
}

/// A program or library in memory.
pub struct LoadedModule {
    /// What is added to the addresses in the file.
    base: usize,
    segments: Vec<libc::Elf64_Phdr>,
}

/// The word by which a module calls a function of another.
pub struct ImportSlot {
    address: usize,
    /// The dynamic linker has made it read-only when it had filled it in.
    is_read_only: bool,
}

/// The address of a symbol that all modules see.
pub fn address_of(name: &CStr) -> Option<usize> {
    // SAFETY: the name ends with a zero.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address as usize)
}

impl LoadedModule {
    /// The module that the address belongs to.
    pub fn at(address: usize) -> Option<Self> {
        struct Wanted {
            address: usize,
            module: Option<LoadedModule>,
        }

        unsafe extern "C" fn visit(
            info: *mut libc::dl_phdr_info,
            _size: usize,
            wanted: *mut c_void,
        ) -> c_int {
            // SAFETY: the dynamic linker describes a module, of which this is a copy; the other pointer is to the
            // variable below.
            let (module, wanted) = unsafe {
                let (info, wanted) = (&*info, &mut *wanted.cast::<Wanted>());
                let segments =
                    std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
                let module = LoadedModule {
                    base: usize::try_from(info.dlpi_addr).unwrap_or(0),
                    segments: segments.to_vec(),
                };
                (module, wanted)
            };
            if module
                .segments(libc::PT_LOAD)
                .any(|segment| segment.contains(&wanted.address))
            {
                wanted.module = Some(module);
                return 1;
            }
            0
        }

        let mut wanted = Wanted {
            address,
            module: None,
        };
        // SAFETY: `visit` is called with the pointer while this function waits.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut wanted).cast()) };
        wanted.module
    }

    /// The addresses from its first segment to its last.
    pub fn extent(&self) -> Range<usize> {
        let segments = || self.segments(libc::PT_LOAD);
        let start = segments().map(|segment| segment.start).min();
        let end = segments().map(|segment| segment.end).max();
        start.unwrap_or(0)..end.unwrap_or(0)
    }

    fn segments(&self, kind: u32) -> impl Iterator<Item = Range<usize>> {
        self.segments
            .iter()
            .filter(move |segment| segment.p_type == kind)
            .filter_map(|segment| {
                let start = self.base + usize::try_from(segment.p_vaddr).ok()?;
                Some(start..start + usize::try_from(segment.p_memsz).ok()?)
            })
    }

    /// The value of an entry of the dynamic section.
    fn dynamic(&self, tag: usize) -> Option<usize> {
        let section = self.segments(libc::PT_DYNAMIC).next()?;
        let count = section.len() / size_of::<Entry>();
        // SAFETY: a loaded module's dynamic section is an array of such entries, which stays where it is.
        let entries = unsafe { std::slice::from_raw_parts(section.start as *const Entry, count) };
        entries
            .iter()
            .take_while(|entry| entry.tag != 0)
            .find(|entry| entry.tag == tag)
            .map(|entry| entry.value)
    }

    /// The table of an entry of the dynamic section: the GNU C library puts its address in memory there on most machines.
    fn table(&self, tag: usize) -> Option<usize> {
        let address = self.dynamic(tag)?;
        let extent = self.extent();
        [address, self.base + address]
            .into_iter()
            .find(|address| extent.contains(address))
    }

    /// The slot by which this module calls the function called `name` of another.
    pub fn import_slot(&self, name: &CStr) -> Option<ImportSlot> {
        let symbols = self.table(SYMTAB)? as *const libc::Elf64_Sym;
        let names = self.table(STRTAB)? as *const c_char;
        let is_wanted = |relocation: &Relocation| {
            let symbol = usize::try_from(relocation.info >> 32).unwrap_or(0);
            // SAFETY: relocations name symbols of the module's table by their numbers, and these name their names, which
            // end with a zero.
            symbol != 0
                && unsafe { CStr::from_ptr(names.add((*symbols.add(symbol)).st_name as usize)) }
                    == name
        };
        let relocation = [(JMPREL, PLTRELSZ), (RELA, RELASZ)]
            .into_iter()
            .filter_map(|(table, size)| {
                let count = self.dynamic(size)? / size_of::<Relocation>();
                // SAFETY: the dynamic section says where the table of relocations is and how many bytes it has.
                Some(unsafe {
                    std::slice::from_raw_parts(self.table(table)? as *const Relocation, count)
                })
            })
            .flatten()
            .find(|relocation| is_wanted(relocation))?;
        let address = self.base + relocation.address;
        Some(ImportSlot {
            address,
            is_read_only: self
                .segments(libc::PT_GNU_RELRO)
                .any(|segment| segment.contains(&address)),
        })
    }
}

impl ImportSlot {
    /// Has the module call another function. `None` if the slot cannot be written.
    ///
    /// # Safety
    /// The address is that of a function of the same type which does what the callers expect.
    pub unsafe fn set(&self, function: usize) -> Option<()> {
        let page_size = rustix::param::page_size();
        let page = (self.address & !(page_size - 1)) as *mut c_void;
        // SAFETY: the slot is a whole word in memory of the module, which stays mapped; other threads read it at any time,
        // and as a whole. The page gets back the protection that the dynamic linker has given it.
        unsafe {
            if self.is_read_only
                && libc::mprotect(page, page_size, libc::PROT_READ | libc::PROT_WRITE) != 0
            {
                return None;
            }
            AtomicUsize::from_ptr(self.address as *mut usize).store(function, SeqCst);
            if self.is_read_only {
                libc::mprotect(page, page_size, libc::PROT_READ);
            }
        }
        Some(())
    }
}
