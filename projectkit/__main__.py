from projectkit.cli import main

main()
